import { anAdmin } from './shop/admin';
import { aCustomer } from './shop/customer';
import { eventually } from './shop/order';

test('an order of which one line cannot be had reserves none and charges nothing', async () => {
  const [admin, jane] = await Promise.all([anAdmin(), aCustomer()]);
  const [plenty, scarce] = await Promise.all([admin.lists({ stock: 100 }), admin.lists({ stock: 2 })]);

  const order = await jane.orders({
    items: [
      [plenty, 5],
      [scarce, 3],
    ],
  });
  await eventually(order).is('cancelled', 'out-of-stock');
  expect(await admin.stockOf(plenty)).toBe(100);
  expect(await admin.stockOf(scarce)).toBe(2);
  expect(await order.payments()).toEqual([]);
  expect(await order.history()).toEqual([
    'orders.order-placed.v1',
    'inventory.stock-rejected.v1',
    'orders.order-cancelled.v1',
  ]);
});

test('lines of one product are added up before anybody looks at the shelf', async () => {
  const [admin, jane] = await Promise.all([anAdmin(), aCustomer()]);
  const lantern = await admin.lists({ stock: 3 });
  const order = await jane.orders({
    items: [
      [lantern, 2],
      [lantern, 2],
    ],
  });
  await eventually(order).is('cancelled', 'out-of-stock');
  expect(await admin.stockOf(lantern)).toBe(3);
});

test('what is out of stock can be ordered again once more has come', async () => {
  const [admin, jane] = await Promise.all([anAdmin(), aCustomer()]);
  const lantern = await admin.lists({ stock: 0 });
  await eventually(await jane.orders({ items: [[lantern, 1]] })).is('cancelled', 'out-of-stock');

  expect(await admin.restocks(lantern, 2)).toEqual({ onHand: 2, reserved: 0, available: 2 });
  await eventually(await jane.orders({ items: [[lantern, 1]] })).is('confirmed');
  expect(await admin.stockOf(lantern)).toBe(1);
});

test('what is promised cannot be counted away', async () => {
  const [admin, jane] = await Promise.all([anAdmin(), aCustomer()]);
  const lantern = await admin.lists({ stock: 3 });
  const order = await jane.orders({ items: [[lantern, 2]], paysWith: 'tok_slow' });
  await order.hears('inventory.stock-reserved.v1');

  const body = { delta: -2, reason: 'Two are broken' };
  expect(await admin.asks(409, 'POST', `/products/${lantern.id}/stock-adjustments`, { body })).toMatchObject({
    code: 'stock-would-be-negative',
  });
  expect(await admin.restocks(lantern, -1)).toEqual({ onHand: 2, reserved: 2, available: 0 });
  await eventually(order).is('confirmed');
});
