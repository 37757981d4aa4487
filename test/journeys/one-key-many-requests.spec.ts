import { randomUUID } from 'node:crypto';
import { anAdmin } from './shop/admin';
import { aCustomer, orderFor } from './shop/customer';
import { eventually, PlacedOrder } from './shop/order';

async function setup(stock = 10) {
  const [admin, jane] = await Promise.all([anAdmin(), aCustomer()]);
  const lantern = await admin.lists({ stock });
  // Orders knows the product once it has taken an order for it.
  const charlotte = await aCustomer({ name: 'Charlotte Lucas' });
  await eventually(await charlotte.orders({ items: [[lantern, 1]] })).is('confirmed');
  return { admin, jane, lantern };
}

test('fifty requests with one key at the same time are one order, and get one answer', async () => {
  const { admin, jane, lantern } = await setup(10);
  const call = { body: orderFor({ items: [[lantern, 2]] }), idempotencyKey: randomUUID() };

  const answers = await Promise.all(Array.from({ length: 50 }, () => jane.calls('POST', '/orders', call)));
  for (const { status, body } of answers) {
    if (status !== 201) expect([status, body.code]).toEqual([409, 'request-in-progress']);
  }
  const settled = await Promise.all(Array.from({ length: 5 }, () => jane.calls('POST', '/orders', call)));
  const taken = [...answers, ...settled].filter(({ status }) => status === 201);
  expect(new Set(taken.map(({ text }) => text)).size).toBe(1);
  expect(new Set(taken.map(({ headers }) => headers['location'])).size).toBe(1);
  for (const { status } of settled) expect(status).toBe(201);

  const { items: orders } = await jane.reads('/orders');
  expect(orders).toHaveLength(1);
  expect(await admin.stockOf(lantern)).toBe(7);
});

test('the answer stays what it was, byte for byte, whatever has become of the order and the customer', async () => {
  const { jane, lantern } = await setup();
  const call = { body: orderFor({ items: [[lantern, 1]], paysWith: 'tok_declined' }), idempotencyKey: randomUUID() };
  const first = await jane.calls('POST', '/orders', call);
  await jane.asks(200, 'PATCH', '/users/me', { body: { name: 'Jane Bennet' } });
  await eventually(new PlacedOrder(jane, first.body)).is('cancelled', 'payment-declined');

  const again = await jane.calls('POST', '/orders', call);
  expect(again.status).toBe(201);
  expect(again.text).toBe(first.text);
});

test('a key is for one request: another body under it is refused', async () => {
  const { jane, lantern } = await setup();
  const idempotencyKey = randomUUID();
  await jane.orders({ items: [[lantern, 1]], idempotencyKey });
  const other = { body: orderFor({ items: [[lantern, 2]] }), idempotencyKey };
  expect(await jane.asks(422, 'POST', '/orders', other)).toMatchObject({ code: 'idempotency-key-reused' });

  // The order of the members of an object means nothing.
  const { items, payment } = orderFor({ items: [[lantern, 1]] });
  await jane.asks(201, 'POST', '/orders', { raw: JSON.stringify({ payment, items }), idempotencyKey });
  expect((await jane.reads('/orders')).items).toHaveLength(1);
});

test('a key belongs to its caller', async () => {
  const { jane, lantern } = await setup();
  const charlotte = await aCustomer({ name: 'Charlotte' });
  const idempotencyKey = randomUUID();
  const [one, other] = await Promise.all([
    jane.orders({ items: [[lantern, 1]], idempotencyKey }),
    charlotte.orders({ items: [[lantern, 1]], idempotencyKey }),
  ]);
  expect(one.id).not.toBe(other.id);
});

test('a refusal is not remembered: with its cause mended the key serves', async () => {
  const { jane, lantern } = await setup();
  const idempotencyKey = randomUUID();
  const nowhere = { id: '01980f2e-7c00-7000-8000-0000000000ff' } as never;
  const unknown = { body: orderFor({ items: [[nowhere, 1]] }), idempotencyKey };
  expect(await jane.asks(422, 'POST', '/orders', unknown)).toMatchObject({ code: 'unknown-product' });
  const nothing = { body: orderFor({ items: [[lantern, 0]] }), idempotencyKey };
  expect(await jane.asks(400, 'POST', '/orders', nothing)).toMatchObject({ code: 'validation-failed' });

  const order = await jane.orders({ items: [[lantern, 1]], idempotencyKey });
  await eventually(order).is('confirmed');
});

test('a key has up to 255 characters, and an order needs one', async () => {
  const { jane, lantern } = await setup();
  const body = orderFor({ items: [[lantern, 1]] });
  await jane.asks(201, 'POST', '/orders', { body, idempotencyKey: 'k'.repeat(255) });
  expect(await jane.asks(400, 'POST', '/orders', { body, idempotencyKey: 'k'.repeat(256) })).toMatchObject({
    code: 'validation-failed',
  });
  expect(await jane.asks(400, 'POST', '/orders', { body })).toMatchObject({ code: 'idempotency-key-required' });
});

test('every other POST that changes something takes a key, too: two listings under one are one product', async () => {
  const admin = await anAdmin();
  const body = { sku: `J-${randomUUID()}`, name: 'Lantern', price: { amount: 650, currency: 'GBP' }, stock: 1 };
  const call = { body, idempotencyKey: randomUUID() };
  const first = await admin.calls('POST', '/products', call);
  const again = await admin.calls('POST', '/products', call);
  expect([first.status, again.status]).toEqual([201, 201]);
  expect(again.text).toBe(first.text);

  const counting = { body: { delta: 5, reason: 'Counted' }, idempotencyKey: randomUUID() };
  const path = `/products/${first.body.id}/stock-adjustments`;
  await admin.asks(200, 'POST', path, counting);
  expect(await admin.asks(200, 'POST', path, counting)).toEqual({ onHand: 6, reserved: 0, available: 6 });
  expect(await admin.stockOf(first.body)).toBe(6);
});
