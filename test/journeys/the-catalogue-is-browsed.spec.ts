import { randomUUID } from 'node:crypto';
import { anAdmin } from './shop/admin';
import { aCustomer, orderFor } from './shop/customer';
import { until } from './shop/eventually';
import { gbp } from './shop/money';
import { eventually } from './shop/order';
import { aVisitor } from './shop/visitor';

test('page by page, every product once, by a part of its name or sku in any case', async () => {
  const admin = await anAdmin();
  const word = `w${randomUUID().slice(0, 8)}`;
  const listed = await Promise.all(
    Array.from({ length: 7 }, (_, number) => admin.lists({ name: `Lantern ${word.toUpperCase()} no. ${number}` })),
  );
  const visitor = aVisitor();
  const { pages, items } = await visitor.reads(`/products?q=${word}&limit=3`);
  expect(pages.map(({ length }) => length)).toEqual([3, 3, 1]);
  expect(items.map(({ id }) => id).sort()).toEqual(listed.map(({ id }) => id).sort());
  expect((await visitor.looksAt(`/products?q=${listed[0]!.sku.toLowerCase()}`)).items).toMatchObject([listed[0]]);
  expect((await visitor.looksAt('/products?q=100%25_')).items).toEqual([]);
});

test('with a tag that saves reading again what has not changed', async () => {
  const admin = await anAdmin();
  const lantern = await admin.lists();
  const path = `/products/${lantern.id}`;
  const first = await aVisitor().calls('GET', path);
  const headers = { 'if-none-match': first.headers['etag']! };
  const unchanged = await aVisitor().calls('GET', path, { headers });
  expect([unchanged.status, unchanged.text]).toEqual([304, '']);
  await admin.restocks(lantern, 1);
  expect((await aVisitor().calls('GET', path, { headers })).status).toBe(200);
});

test('a product just listed may be unknown for a second, and then is not', async () => {
  const [admin, jane] = await Promise.all([anAdmin(), aCustomer()]);
  for (let round = 0; round < 5; round++) {
    const lantern = await admin.lists();
    const call = { body: orderFor({ items: [[lantern, 1]] }), idempotencyKey: randomUUID() };
    await until('the order is taken', async () => {
      const { status, body } = await jane.calls('POST', '/orders', call);
      if (status !== 201) expect([status, body.code]).toEqual([422, 'unknown-product']);
      return status === 201;
    });
  }
});

test('a product that changes is ordered as it is, and stays in orders as it was', async () => {
  const [admin, jane] = await Promise.all([anAdmin(), aCustomer()]);
  const lantern = await admin.lists({ name: 'Lantern', price: gbp(650) });
  const before = await jane.orders({ items: [[lantern, 1]] });
  const changed = { name: 'Storm lantern', price: gbp(800) };
  expect(await admin.asks(200, 'PATCH', `/products/${lantern.id}`, { body: changed })).toMatchObject(changed);

  await until('orders takes the new price', async () => {
    const order = await jane.orders({ items: [[lantern, 1]] });
    return order.placed.total.amount === 800 && order.placed.items[0]!.name === 'Storm lantern';
  });
  await eventually(before).is('confirmed');
  expect((await before.now()).items).toMatchObject([{ name: 'Lantern', unitPrice: gbp(650) }]);
  expect((await before.payment()).amount).toEqual(gbp(650));
});

test('what cannot be: a sku twice, two currencies in one order, more money than there is', async () => {
  const [admin, jane] = await Promise.all([anAdmin(), aCustomer()]);
  const [lantern, dear, foreign] = await Promise.all([
    admin.lists(),
    admin.lists({ price: gbp(1_000_000_000) }),
    admin.lists({ price: { amount: 700, currency: 'EUR' } }),
  ]);
  const { sku } = lantern;
  const twice = { body: { sku, name: 'Another', price: gbp(1), stock: 1 } };
  expect(await admin.asks(409, 'POST', '/products', twice)).toMatchObject({ code: 'sku-taken' });

  const known = [lantern, dear, foreign].map((product) => jane.orders({ items: [[product, 1]] }));
  for (const order of await Promise.all(known)) await eventually(order).is('confirmed');
  const order = (items: (typeof dear)[], quantity: number) => ({
    body: orderFor({ items: items.map((product) => [product, quantity]) }),
    idempotencyKey: randomUUID(),
  });
  expect(await jane.asks(422, 'POST', '/orders', order([lantern, foreign], 1))).toMatchObject({
    code: 'currency-mismatch',
  });
  expect(await jane.asks(422, 'POST', '/orders', order([dear], 1_001))).toMatchObject({ code: 'amount-too-large' });
  expect((await jane.asks(201, 'POST', '/orders', order([dear], 1_000))).total).toEqual(gbp(10 ** 12));
});
