import { anAdmin } from './shop/admin';
import { aCustomer } from './shop/customer';
import { until } from './shop/eventually';
import { eventually } from './shop/order';

test('their orders show the new name, the old ones too', async () => {
  const [admin, jane] = await Promise.all([anAdmin(), aCustomer({ name: 'Jane Bennet' })]);
  const lantern = await admin.lists();
  const before = await jane.orders({ items: [[lantern, 1]] });
  await until('orders knows the name', async () => (await before.now()).customerName === 'Jane Bennet');

  expect(await jane.asks(200, 'PATCH', '/users/me', { body: { name: 'Jane Bingley' } })).toMatchObject({
    id: jane.id,
    name: 'Jane Bingley',
  });
  await until('orders knows the new name', async () => (await before.now()).customerName === 'Jane Bingley');
  const after = await jane.orders({ items: [[lantern, 1]] });
  expect(after.placed.customerName).toBe('Jane Bingley');
  for (const order of [before, after]) await eventually(order).is('confirmed');
  expect((await admin.looksAt(`/users/${jane.id}`)).name).toBe('Jane Bingley');
});

test('the last of many changes is the one that stays', async () => {
  const [admin, jane] = await Promise.all([anAdmin(), aCustomer()]);
  const order = await jane.orders({ items: [[await admin.lists(), 1]] });
  for (let number = 1; number <= 20; number++) {
    await jane.asks(200, 'PATCH', '/users/me', { body: { name: `Jane the ${number}th` } });
  }
  await until('orders knows the last name', async () => (await order.now()).customerName === 'Jane the 20th');
});

test('a change of nothing changes nothing', async () => {
  const jane = await aCustomer({ name: 'Jane Austen' });
  expect((await jane.asks(200, 'PATCH', '/users/me', { body: {} })).name).toBe('Jane Austen');
});
