import { anAdmin } from './shop/admin';
import { aCustomer } from './shop/customer';
import { gbp } from './shop/money';
import { eventually } from './shop/order';

test('a customer registers, orders, pays, and finds everything in its place', async () => {
  const admin = await anAdmin();
  const lantern = await admin.lists({ name: 'Lantern', price: gbp(650), stock: 10 });
  const bunting = await admin.lists({ name: 'Bunting', price: gbp(1250), stock: 5 });
  const jane = await aCustomer({ name: 'Jane Austen' });
  expect(await jane.looksAt('/users/me')).toMatchObject({
    email: jane.email,
    name: 'Jane Austen',
    roles: ['customer'],
  });

  const order = await jane.orders({
    items: [
      [lantern, 2],
      [bunting, 1],
      [lantern, 1],
    ],
  });
  expect(order.placed).toMatchObject({
    customerId: jane.id,
    status: 'pending',
    cancelReason: null,
    items: [
      { productId: lantern.id, sku: lantern.sku, name: 'Lantern', quantity: 3, unitPrice: gbp(650) },
      { productId: bunting.id, sku: bunting.sku, name: 'Bunting', quantity: 1, unitPrice: gbp(1250) },
    ],
    total: gbp(3200),
  });

  await eventually(order).is('confirmed');
  expect(await admin.stockOf(lantern)).toBe(7);
  expect(await admin.stockOf(bunting)).toBe(4);
  expect(await order.payment()).toMatchObject({
    orderId: order.id,
    amount: gbp(3200),
    refunded: gbp(0),
    status: 'captured',
  });

  await order.hears('inventory.stock-committed.v1');
  expect(await order.history()).toEqual([
    'orders.order-placed.v1',
    'inventory.stock-reserved.v1',
    'payments.payment-captured.v1',
    'orders.order-confirmed.v1',
    'inventory.stock-committed.v1',
  ]);
  expect((await jane.looksAt('/orders')).items).toEqual([await order.now()]);
  expect((await order.now()).customerName).toBe('Jane Austen');
});

test('an order that was taken says where it is found', async () => {
  const [admin, jane] = await Promise.all([anAdmin(), aCustomer()]);
  const lantern = await admin.lists();
  const first = await jane.orders({ items: [[lantern, 1]], idempotencyKey: 'first' });
  const again = await jane.calls('POST', '/orders', {
    body: { items: [{ productId: lantern.id, quantity: 1 }], payment: { token: 'tok_approved' } },
    idempotencyKey: 'first',
  });
  expect(again.headers['location']).toBe(`/api/v1/orders/${first.id}`);
  expect((await jane.looksAt(again.headers['location']!)).id).toBe(first.id);
});
