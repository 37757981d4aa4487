import { anAdmin } from './shop/admin';
import { aCustomer } from './shop/customer';
import { eventually } from './shop/order';

test('of thirty who order the last three pieces at the same moment three get one, and nobody else pays', async () => {
  const admin = await anAdmin();
  const lantern = await admin.lists({ stock: 3 });
  const buyers = await Promise.all(Array.from({ length: 30 }, () => aCustomer()));

  const orders = await Promise.all(buyers.map((buyer) => buyer.orders({ items: [[lantern, 1]] })));
  const ends = await Promise.all(orders.map((order) => eventually(order).ends()));
  expect(ends.filter(({ status }) => status === 'confirmed')).toHaveLength(3);
  expect(ends.filter(({ cancelReason }) => cancelReason === 'out-of-stock')).toHaveLength(27);
  expect(await admin.stockOf(lantern)).toBe(0);

  const kept = await Promise.all(orders.map((order) => order.kept()));
  expect(kept.filter((amount) => amount === 650)).toHaveLength(3);
  expect(kept.filter((amount) => amount === 0)).toHaveLength(27);
});

test('orders for the same products in every order of lines get in nobody’s way', async () => {
  const [admin, jane] = await Promise.all([anAdmin(), aCustomer()]);
  const products = await Promise.all(Array.from({ length: 6 }, () => admin.lists({ stock: 40 })));
  const orders = await Promise.all(
    Array.from({ length: 40 }, (_, number) => {
      const turned = [...products.slice(number % 6), ...products.slice(0, number % 6)];
      return jane.orders({ items: (number % 2 ? turned : turned.toReversed()).map((product) => [product, 1]) });
    }),
  );
  for (const order of orders) await eventually(order).is('confirmed');
  for (const product of products) expect(await admin.stockOf(product)).toBe(0);
});
