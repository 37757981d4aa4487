import { randomUUID } from 'node:crypto';
import { anAdmin } from './shop/admin';
import { aCustomer, orderFor } from './shop/customer';
import { until } from './shop/eventually';
import { eventually, PlacedOrder } from './shop/order';
import { inAShopOfItsOwn } from './shop/running-shop';

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
        const answer = await jane.calls('POST', '/orders', call).catch((error: { syscall?: string }) => {
          // Nobody opens any more; but whoever was let in must not be cut off.
          if (error.syscall !== 'connect') throw error;
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
    const statuses = (await jane.reads('/orders?limit=100&status=pending')).items;
    for (const order of statuses) await eventually(new PlacedOrder(jane, order)).is('confirmed');
    expect(await admin.stockOf(lantern)).toBe(10_000 - 1 - taken.length);
  });
});
