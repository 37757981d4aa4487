import { randomUUID } from 'node:crypto';
import { anAdmin } from './shop/admin';
import { aCustomer } from './shop/customer';
import { gbp, unmistakablePrice } from './shop/money';
import { eventually } from './shop/order';
import { booksOf } from './shop/payment-provider';
import { skippedLoudly, theShop } from './shop/shop';

async function confirmedOrder(price = gbp(1000)) {
  const [admin, jane] = await Promise.all([anAdmin(), aCustomer()]);
  const lantern = await admin.lists({ price, stock: 10 });
  const order = await jane.orders({ items: [[lantern, 3]] });
  await eventually(order).is('confirmed');
  return { admin, jane, lantern, order };
}

test('in part, and the rest when the order is cancelled: never more than was paid', async () => {
  const { admin, lantern, order } = await confirmedOrder(unmistakablePrice());
  const total = order.placed.total.amount;

  await admin.refunds(order, 700);
  await admin.refunds(order, 300);
  expect(await order.payment()).toMatchObject({ status: 'partially-refunded', refunded: gbp(1000) });
  expect((await order.now()).status).toBe('confirmed');
  await order.hears('payments.payment-refunded.v1');

  await order.isCancelled();
  await eventually(order).is('cancelled', 'customer-request');
  expect(await order.payment()).toMatchObject({ status: 'refunded', amount: gbp(total), refunded: gbp(total) });
  expect(await admin.stockOf(lantern)).toBe(10);

  const { providerUrl } = theShop();
  if (!providerUrl) return skippedLoudly('that the provider gave back each part once; it is out of reach');
  const books = await booksOf(providerUrl);
  const capture = books.find(({ kind, amount }) => kind === 'capture' && amount === total);
  expect(capture).toMatchObject({ outcome: 'captured', refunded: total });
  expect(books.filter(({ kind, amount }) => kind === 'refund' && amount === total - 1000)).toHaveLength(1);
});

test('all at once where no amount is named, and then there is nothing left', async () => {
  const { admin, order } = await confirmedOrder();
  const { id } = await order.payment();
  const refund = await admin.refunds(order);
  expect(refund).toMatchObject({ paymentId: id, amount: gbp(3000) });
  expect(await order.payment()).toMatchObject({ status: 'refunded', refunded: gbp(3000) });

  const nothingLeft = { body: {}, idempotencyKey: randomUUID() };
  expect(await admin.asks(409, 'POST', `/payments/${id}/refunds`, nothingLeft)).toMatchObject({
    code: 'payment-not-refundable',
  });
  expect((await order.now()).status).toBe('confirmed');
});

test('not more than is left, however many ask at the same time', async () => {
  const { admin, order } = await confirmedOrder();
  const { id } = await order.payment();
  const body = { amount: gbp(1000) };
  const answers = await Promise.all(
    Array.from({ length: 8 }, () =>
      admin.calls('POST', `/payments/${id}/refunds`, { body, idempotencyKey: randomUUID() }),
    ),
  );
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(3);
  for (const { status, body } of answers.filter(({ status }) => status !== 201)) {
    expect([status, body.code]).toEqual([409, 'payment-not-refundable']);
  }
  expect(await order.kept()).toBe(0);
});

test('more than was paid is refused, and so is another currency and a refund by a customer', async () => {
  const { admin, jane, order } = await confirmedOrder();
  const { id } = await order.payment();
  const asking = (amount: unknown) => ({ body: { amount }, idempotencyKey: randomUUID() });
  const path = `/payments/${id}/refunds`;
  expect(await admin.asks(422, 'POST', path, asking(gbp(3001)))).toMatchObject({ code: 'amount-exceeds-capture' });
  expect(await admin.asks(422, 'POST', path, asking({ amount: 1, currency: 'EUR' }))).toMatchObject({
    code: 'currency-mismatch',
  });
  expect(await jane.asks(403, 'POST', path, asking(gbp(1)))).toMatchObject({ code: 'forbidden' });
  expect(await admin.asks(400, 'POST', path, { body: {} })).toMatchObject({ code: 'idempotency-key-required' });
  expect(await order.kept()).toBe(3000);
});

test('once for one key, however often the request comes', async () => {
  const { admin, order } = await confirmedOrder();
  const { id } = await order.payment();
  const call = { body: { amount: gbp(500) }, idempotencyKey: randomUUID() };
  const first = await admin.calls('POST', `/payments/${id}/refunds`, call);
  const again = await admin.calls('POST', `/payments/${id}/refunds`, call);
  expect([first.status, again.status]).toEqual([201, 201]);
  expect(again.text).toBe(first.text);
  expect(await order.kept()).toBe(2500);
});
