import { anAdmin } from './shop/admin';
import { aCustomer } from './shop/customer';
import { eventually } from './shop/order';

async function confirmedOrder() {
  const [admin, jane] = await Promise.all([anAdmin(), aCustomer()]);
  const [lantern, bunting] = await Promise.all([admin.lists({ stock: 10 }), admin.lists({ stock: 10 })]);
  const order = await jane.orders({
    items: [
      [lantern, 5],
      [bunting, 2],
    ],
  });
  await eventually(order).is('confirmed');
  await order.hears('inventory.stock-committed.v1');
  return { admin, lantern, bunting, order };
}

test('goods returned from an order are put back once: cancelling it puts back only the rest', async () => {
  const { admin, lantern, bunting, order } = await confirmedOrder();
  expect(await admin.restocks(lantern, 2, order)).toEqual({ onHand: 7, reserved: 0, available: 7 });

  await order.isCancelled();
  await eventually(order).is('cancelled', 'customer-request');
  expect(await admin.stockOf(lantern)).toBe(10);
  expect(await admin.stockOf(bunting)).toBe(10);
});

test('goods counted in for no order in particular are none of its business', async () => {
  const { admin, lantern, order } = await confirmedOrder();
  await admin.restocks(lantern, 2);
  await order.isCancelled();
  await eventually(order).is('cancelled', 'customer-request');
  expect(await admin.stockOf(lantern)).toBe(12);
});

test('an order all of which came back puts nothing back when it is cancelled', async () => {
  const { admin, lantern, bunting, order } = await confirmedOrder();
  await admin.restocks(lantern, 5, order);
  await admin.restocks(bunting, 2, order);
  await order.isCancelled();
  await eventually(order).is('cancelled', 'customer-request');
  expect(await admin.stockOf(lantern)).toBe(10);
  expect(await admin.stockOf(bunting)).toBe(10);
});
