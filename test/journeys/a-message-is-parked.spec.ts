import { randomUUID } from 'node:crypto';
import { anAdmin } from './shop/admin';
import { aCustomer } from './shop/customer';
import { until } from './shop/eventually';
import { eventually } from './shop/order';
import { inAShopOfItsOwn } from './shop/running-shop';

const PARKED = '/ops/inventory/parked-messages';
// Whatever inventory is asked to reserve fails, and for good at once.
const FAULTY = { FAILPOINTS: 'reserve-stock.before-commit=throw', BUS_RETRY_ATTEMPTS: '1' };

inAShopOfItsOwn('in a shop whose inventory cannot take reservations until it is mended', FAULTY, (shop) => {
  test('what was asked of it is parked, holds nobody else up, and is redriven', async () => {
    const [admin, jane] = await Promise.all([anAdmin(shop()), aCustomer({ shop: shop() })]);
    const lantern = await admin.lists({ stock: 5 });
    const order = await jane.orders({ items: [[lantern, 1]] });
    const parked = await until('the message is parked', async () => {
      const { items } = await admin.looksAt(PARKED);
      return items.find(({ key }: { key: string }) => key === order.id);
    });
    expect(parked).toMatchObject({ type: 'inventory.reserve-stock.v1', state: 'parked' });
    expect((await order.now()).status).toBe('pending');
    // Everything else of inventory goes on.
    expect(await admin.restocks(lantern, 1)).toMatchObject({ available: 6 });

    expect(await shop().stop()).toBe(0);
    await shop().start({});
    expect((await order.now()).status).toBe('pending');
    await admin.asks(202, 'POST', `${PARKED}/${parked.id}/redrive`, {
      body: { reason: 'The fault is mended.' },
      idempotencyKey: randomUUID(),
    });
    await eventually(order).is('confirmed');
    expect(await admin.stockOf(lantern)).toBe(5);
    expect((await admin.looksAt(PARKED)).items).toEqual([]);
  }, 90_000);
});
