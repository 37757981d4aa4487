import { randomUUID } from 'node:crypto';
import { anAdmin } from './shop/admin';
import { aCustomer } from './shop/customer';
import { gbp } from './shop/money';
import { eventually } from './shop/order';

async function setup() {
  const [admin, jane] = await Promise.all([anAdmin(), aCustomer()]);
  return { admin, jane, lantern: await admin.lists({ price: gbp(650), stock: 10 }) };
}

test('before it is confirmed: goods and money come back, though the money was on its way', async () => {
  const { admin, jane, lantern } = await setup();
  const order = await jane.orders({ items: [[lantern, 4]], paysWith: 'tok_slow' });
  await order.hears('inventory.stock-reserved.v1');

  expect(await order.isCancelled()).toMatchObject({ status: 'cancelling', cancelReason: 'customer-request' });
  await eventually(order).is('cancelled', 'customer-request');
  expect(await admin.stockOf(lantern)).toBe(10);
  expect(await order.kept()).toBe(0);
  expect(await order.history()).not.toContain('orders.order-confirmed.v1');
});

test('at once, before anybody has heard of it', async () => {
  const { admin, jane, lantern } = await setup();
  const orders = await Promise.all(
    Array.from({ length: 10 }, async () => {
      const order = await jane.orders({ items: [[lantern, 1]] });
      await order.isCancelled();
      return order;
    }),
  );
  for (const order of orders) {
    await eventually(order).is('cancelled', 'customer-request');
    expect(await order.kept()).toBe(0);
  }
  expect(await admin.stockOf(lantern)).toBe(10);
});

test('after it was confirmed: goods and money come back', async () => {
  const { admin, jane, lantern } = await setup();
  const order = await jane.orders({ items: [[lantern, 4]] });
  await eventually(order).is('confirmed');
  expect(await admin.stockOf(lantern)).toBe(6);
  expect(await order.kept()).toBe(2600);

  await order.isCancelled();
  await eventually(order).is('cancelled', 'customer-request');
  expect(await admin.stockOf(lantern)).toBe(10);
  expect(await order.payment()).toMatchObject({ status: 'refunded', amount: gbp(2600), refunded: gbp(2600) });
  const history = await order.history();
  expect(history).toContain('orders.order-confirmed.v1');
  expect(history).toContain('inventory.stock-released.v1');
  expect(history).toContain('payments.payment-cancelled.v1');
  expect(history.at(-1)).toBe('orders.order-cancelled.v1');
});

test('by an admin', async () => {
  const { admin, jane, lantern } = await setup();
  const order = await jane.orders({ items: [[lantern, 1]] });
  await eventually(order).is('confirmed');
  await order.isCancelled({ by: admin });
  await eventually(order).is('cancelled', 'admin-request');
  expect(await admin.stockOf(lantern)).toBe(10);
});

test('twice: the second time while it is being cancelled is no mistake, afterwards it is', async () => {
  const { jane, lantern } = await setup();
  const order = await jane.orders({ items: [[lantern, 1]], paysWith: 'tok_timeout' });
  await order.hears('inventory.stock-reserved.v1');
  const path = `/orders/${order.id}/cancellation`;
  const idempotencyKey = randomUUID();

  const first = await jane.calls('POST', path, { body: {}, idempotencyKey });
  expect(first.status).toBe(202);
  await Promise.all([order.isCancelled(), order.isCancelled()]);
  await eventually(order).is('cancelled', 'customer-request');

  expect(await jane.asks(409, 'POST', path, { body: {}, idempotencyKey: randomUUID() })).toMatchObject({
    code: 'order-already-cancelled',
  });
  const again = await jane.calls('POST', path, { body: {}, idempotencyKey });
  expect(again.status).toBe(202);
  expect(again.text).toBe(first.text);
  expect((await order.history()).filter((type) => type === 'orders.order-cancelled.v1')).toHaveLength(1);
});

test('without an Idempotency-Key: refused, since it moves money', async () => {
  const { jane, lantern } = await setup();
  const order = await jane.orders({ items: [[lantern, 1]] });
  expect(await jane.asks(400, 'POST', `/orders/${order.id}/cancellation`, { body: {} })).toMatchObject({
    code: 'idempotency-key-required',
  });
  await eventually(order).is('confirmed');
});
