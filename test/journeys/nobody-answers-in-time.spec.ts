import { anAdmin } from './shop/admin';
import { aCustomer } from './shop/customer';
import { until } from './shop/eventually';
import { unmistakablePrice } from './shop/money';
import { eventually, type PlacedOrder } from './shop/order';
import { booksOf } from './shop/payment-provider';
import { inAShopOfItsOwn } from './shop/running-shop';

inAShopOfItsOwn('in a shop that waits a second for an answer', { FULFILMENT_DEADLINE_MS: '1000' }, (shop) => {
  async function setup() {
    const [admin, jane] = await Promise.all([anAdmin(shop()), aCustomer({ shop: shop() })]);
    return { admin, jane, lantern: await admin.lists({ price: unmistakablePrice(), stock: 5 }) };
  }
  const captures = async (order: PlacedOrder) =>
    (await booksOf(shop().providerUrl)).filter(
      ({ kind, amount, outcome }) =>
        kind === 'capture' && outcome === 'captured' && amount === order.placed.total.amount,
    );

  // Where the bus had trouble only just now, as at a start it may, deadlines wait for what may still be on its way.
  beforeAll(async () => {
    const { jane, lantern } = await setup();
    await until('deadlines are kept', async () => {
      const order = await jane.orders({ items: [[lantern, 1]], paysWith: 'tok_slow' });
      return (await eventually(order).ends()).status === 'cancelled';
    });
  }, 60_000);

  test('an order that is answered in time is confirmed, and stays so', async () => {
    const { admin, jane, lantern } = await setup();
    const order = await jane.orders({ items: [[lantern, 1]] });
    const { updatedAt } = await eventually(order).is('confirmed');
    await until('the deadline is past', async () => Date.now() > Date.parse(order.placed.placedAt) + 2_000);
    expect(await order.now()).toMatchObject({ status: 'confirmed', updatedAt });
    expect(await admin.stockOf(lantern)).toBe(4);
  });

  test('one whose payment takes longer is cancelled, and the capture that comes late is refunded', async () => {
    const { admin, jane, lantern } = await setup();
    const order = await jane.orders({ items: [[lantern, 2]], paysWith: 'tok_slow' });
    await eventually(order).is('cancelled', 'timed-out');
    expect(await admin.stockOf(lantern)).toBe(5);
    expect(await order.payment()).toMatchObject({ status: 'refunded', refunded: order.placed.total });
    expect(await captures(order)).toMatchObject([{ refunded: order.placed.total.amount }]);

    // The provider's own answer comes three seconds after the order, and changes nothing any more.
    await until('the late answer is past', async () => Date.now() > Date.parse(order.placed.placedAt) + 3_500);
    expect(await order.now()).toMatchObject({ status: 'cancelled', cancelReason: 'timed-out' });
    expect(await order.history()).not.toContain('orders.order-confirmed.v1');
    expect(await captures(order)).toMatchObject([{ refunded: order.placed.total.amount }]);
  });

  test('one whose provider is away is not given up before it is known that nothing was charged', async () => {
    const { admin, jane, lantern } = await setup();
    // Known to orders, so that it is taken at once below.
    await eventually(await jane.orders({ items: [[lantern, 1]] })).is('confirmed');
    shop().provider.pause();
    let order: PlacedOrder;
    try {
      order = await jane.orders({ items: [[lantern, 2]] });
      await eventually(order).is('cancelling', 'timed-out');
      await order.hears('inventory.stock-released.v1');
      expect((await order.now()).status).toBe('cancelling');
    } finally {
      shop().provider.resume();
    }
    await eventually(order).is('cancelled', 'timed-out');
    expect(await order.kept()).toBe(0);
    for (const { amount, refunded } of await captures(order)) expect(refunded).toBe(amount);
    expect(await admin.stockOf(lantern)).toBe(4);
  });
});
