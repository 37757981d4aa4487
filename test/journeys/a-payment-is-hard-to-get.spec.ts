import { anAdmin } from './shop/admin';
import { aCustomer } from './shop/customer';
import { unmistakablePrice } from './shop/money';
import { eventually } from './shop/order';
import { booksOf } from './shop/payment-provider';
import { skippedLoudly, theShop } from './shop/shop';

test.each([
  ['the provider takes three seconds', 'tok_slow'],
  ['the provider charges and never answers', 'tok_timeout'],
  ['the provider fails twice', 'tok_error'],
])('%s (%s): the order is confirmed, and charged once', async (_, paysWith) => {
  const [admin, jane] = await Promise.all([anAdmin(), aCustomer()]);
  const lantern = await admin.lists({ price: unmistakablePrice() });

  const order = await jane.orders({ items: [[lantern, 1]], paysWith });
  await eventually(order).is('confirmed');
  expect(await order.payment()).toMatchObject({ status: 'captured', amount: lantern.price });

  const { providerUrl } = theShop();
  if (!providerUrl) return skippedLoudly('that the provider charged once, by its own books; it is out of reach');
  const lines = (await booksOf(providerUrl)).filter(({ amount }) => amount === lantern.price.amount);
  expect(lines).toMatchObject([{ kind: 'capture', outcome: 'captured', refunded: 0 }]);
});

test('cancelled while nobody knows whether the provider has charged: what it did charge is given back', async () => {
  const [admin, jane] = await Promise.all([anAdmin(), aCustomer()]);
  const lantern = await admin.lists({ price: unmistakablePrice(), stock: 5 });

  const order = await jane.orders({ items: [[lantern, 1]], paysWith: 'tok_timeout' });
  await order.hears('inventory.stock-reserved.v1');
  await order.isCancelled();
  await eventually(order).is('cancelled', 'customer-request');
  expect(await order.kept()).toBe(0);
  expect(await admin.stockOf(lantern)).toBe(5);

  const { providerUrl } = theShop();
  if (!providerUrl) return skippedLoudly('that the provider keeps nothing, by its own books; it is out of reach');
  const captured = (await booksOf(providerUrl)).filter(
    ({ kind, outcome, amount }) => kind === 'capture' && outcome === 'captured' && amount === lantern.price.amount,
  );
  for (const { amount, refunded } of captured) expect(refunded).toBe(amount);
  expect(captured.length).toBeLessThanOrEqual(1);
});
