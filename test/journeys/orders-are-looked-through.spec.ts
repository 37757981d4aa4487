import { anAdmin } from './shop/admin';
import { aCustomer } from './shop/customer';
import { eventually } from './shop/order';

test('newest first, page by page, each once, and by status', async () => {
  const [admin, jane] = await Promise.all([anAdmin(), aCustomer()]);
  const lantern = await admin.lists({ stock: 100 });
  const ids: string[] = [];
  for (let number = 0; number < 7; number++) {
    const order = await jane.orders({ items: [[lantern, 1]], paysWith: number % 2 ? 'tok_declined' : 'tok_approved' });
    await eventually(order).ends();
    ids.unshift(order.id);
  }
  const { pages, items } = await jane.reads('/orders?limit=3');
  expect(pages.map(({ length }) => length)).toEqual([3, 3, 1]);
  expect(items.map(({ id }) => id)).toEqual(ids);

  const cancelled = (await jane.reads('/orders?status=cancelled&limit=2')).items;
  expect(cancelled.map(({ id }) => id)).toEqual(ids.filter((_, index) => index % 2));
  expect((await jane.reads('/orders?status=pending')).items).toEqual([]);
  expect((await admin.reads(`/orders?customerId=${jane.id}&limit=2`)).items).toEqual(items);
});

test('a page that is full and the last one has no next', async () => {
  const [admin, jane] = await Promise.all([anAdmin(), aCustomer()]);
  const lantern = await admin.lists();
  for (let number = 0; number < 2; number++) await jane.orders({ items: [[lantern, 1]] });
  const { items, nextCursor } = await jane.looksAt('/orders?limit=2');
  expect([items.length, nextCursor]).toEqual([2, null]);
});

test('orders placed while somebody turns the pages upset nothing', async () => {
  const [admin, jane] = await Promise.all([anAdmin(), aCustomer()]);
  const lantern = await admin.lists({ stock: 100 });
  const before = [];
  for (let number = 0; number < 4; number++) before.unshift((await jane.orders({ items: [[lantern, 1]] })).id);
  const first = await jane.looksAt('/orders?limit=2');
  await jane.orders({ items: [[lantern, 1]] });
  const second = await jane.looksAt(`/orders?limit=2&cursor=${first.nextCursor}`);
  expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(before);
});
