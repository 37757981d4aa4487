import { randomUUID } from 'node:crypto';
import { anAdmin } from './shop/admin';
import { aCustomer, orderFor } from './shop/customer';
import { until } from './shop/eventually';
import { eventually, PlacedOrder } from './shop/order';
import { inAShopOfItsOwn } from './shop/running-shop';

const NOT_LET_IN = ['ECONNREFUSED', 'ECONNRESET', 'UND_ERR_SOCKET', 'EPIPE'];

inAShopOfItsOwn('in a shop that is asked to stop while people are ordering', {}, (shop) => {
  test('who had been let in is served, nobody gets a broken answer, and all goes on in the morning', async () => {
    const [admin, jane] = await Promise.all([anAdmin(shop()), aCustomer({ shop: shop() })]);
    const lantern = await admin.lists({ stock: 10_000 });
    await eventually(await jane.orders({ items: [[lantern, 1]] })).is('confirmed');

    const taken: PlacedOrder[] = [];
    let closed = false;
    const crowd = Array.from({ length: 16 }, async () => {
      while (!closed) {
        const call = { body: orderFor({ items: [[lantern, 1]] }), idempotencyKey: randomUUID() };
        const answer = await jane.calls('POST', '/orders', call).catch((error: { code: string }) => {
          // Nobody opens any more, or the shop hung up while the request was on its way.
          if (!NOT_LET_IN.includes(error.code)) throw error;
          return null;
        });
        if (answer?.status === 201) taken.push(new PlacedOrder(jane, answer.body));
        else if (answer === null || answer.status === 503) return;
        else throw new Error(`An order was answered ${answer.status} ${answer.text}`);
      }
    });
    await until('the shop is busy', async () => taken.length > 100);
    expect(await shop().stop()).toBe(0);
    closed = true;
    await Promise.all(crowd);

    await shop().start();
    for (const order of taken.slice(-32)) await eventually(order).is('confirmed');
    const { items: unfinished } = await jane.reads('/orders?limit=100&status=pending');
    for (const order of unfinished) await eventually(new PlacedOrder(jane, order)).is('confirmed');
    // Whoever got no answer left nothing behind.
    expect((await jane.reads('/orders?limit=100')).items).toHaveLength(taken.length + 1);
    expect(await admin.stockOf(lantern)).toBe(10_000 - 1 - taken.length);
  });
});
