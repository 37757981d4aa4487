import { randomUUID } from 'node:crypto';
import { anAdmin } from './shop/admin';
import { aCustomer, orderFor } from './shop/customer';
import { tablesHolding } from './shop/database';
import { until } from './shop/eventually';
import { eventually, PlacedOrder } from './shop/order';
import { skippedLoudly, theShop } from './shop/shop';
import { aVisitor } from './shop/visitor';

const aWordOfItsOwn = () => `x${randomUUID().replaceAll('-', '')}`;

test('the person is gone from everywhere, and their orders remain without them', async () => {
  const [admin, lantern] = await anAdmin().then(async (admin) => [admin, await admin.lists()] as const);
  const [oldName, newName, note] = [aWordOfItsOwn(), aWordOfItsOwn(), aWordOfItsOwn()];
  const jane = await aCustomer({ name: `Jane ${oldName}` });
  const tokens = jane.tokens!;

  // A life that leaves traces: orders and cancellations with kept answers, of the customer's and of an admin's asking.
  const kept = await jane.orders({ items: [[lantern, 1]] });
  await until('orders knows the name', async () => (await kept.now()).customerName === `Jane ${oldName}`);
  await jane.asks(200, 'PATCH', '/users/me', { body: { name: `Jane ${newName}` } });
  await until('orders knows the new name', async () => (await kept.now()).customerName === `Jane ${newName}`);
  const cancelled = await jane.orders({ items: [[lantern, 1]] });
  await cancelled.isCancelled({ reason: `Says ${note}` });
  const cancelledByAdmin = await jane.orders({ items: [[lantern, 1]], paysWith: 'tok_slow' });
  await cancelledByAdmin.isCancelled({ by: admin, reason: `Says ${note}` });
  await eventually(kept).is('confirmed');
  await eventually(cancelled).is('cancelled', 'customer-request');
  await eventually(cancelledByAdmin).is('cancelled', 'admin-request');

  const answer = await jane.calls('DELETE', '/users/me');
  expect([answer.status, answer.text]).toEqual([202, '']);

  for (const path of ['/users/me', '/orders', `/orders/${kept.id}`, `/payments?orderId=${kept.id}`]) {
    await until(`${path} refuses the token`, async () => (await jane.calls('GET', path)).status === 401);
  }
  const order = { body: orderFor({ items: [[lantern, 1]] }), idempotencyKey: randomUUID() };
  expect(await jane.asks(401, 'POST', '/orders', order)).toMatchObject({ code: 'invalid-token' });
  const visitor = aVisitor();
  const { email, password } = jane;
  expect(await visitor.asks(401, 'POST', '/auth/token', { body: { email, password } })).toMatchObject({
    code: 'invalid-credentials',
  });
  const refreshToken = { body: { refreshToken: tokens.refreshToken } };
  expect(await visitor.asks(401, 'POST', '/auth/token/refresh', refreshToken)).toMatchObject({
    code: 'invalid-refresh-token',
  });

  expect(await admin.asks(404, 'GET', `/users/${jane.id}`)).toMatchObject({ code: 'user-not-found' });
  const { items } = await admin.reads(`/orders?customerId=${jane.id}`);
  expect(items.map(({ id }) => id)).toEqual([cancelledByAdmin.id, cancelled.id, kept.id]);
  for (const { customerName, customerId } of items) expect([customerName, customerId]).toEqual([null, jane.id]);
  expect((await admin.looksAt(`/payments?orderId=${kept.id}`)).items).toHaveLength(1);

  const { databaseUrls } = theShop();
  if (databaseUrls.length === 0) skippedLoudly('that nothing of the person is left in any table; none is in reach');
  const traces = [oldName, newName, note, email.split('@')[0]!.split('-').at(-1)!];
  for (const url of databaseUrls) {
    for (const trace of traces) {
      // Modules forget as soon as they have heard, which for the last of them may be a moment after its token check.
      await until(`${trace} is in no table`, async () => (await tablesHolding(url, trace)).length === 0, 5_000).catch(
        async () => expect({ trace, tables: await tablesHolding(url, trace) }).toEqual({ trace, tables: [] }),
      );
    }
  }
});

test('a customer who is ordering all the while leaves no name either', async () => {
  const admin = await anAdmin();
  const lantern = await admin.lists({ stock: 10_000 });
  const names = Array.from({ length: 8 }, aWordOfItsOwn);
  const customers = await Promise.all(names.map((name) => aCustomer({ name })));
  for (const customer of customers) await customer.orders({ items: [[lantern, 1]] });

  await Promise.all(
    customers.map(async (customer) => {
      const ordering = Array.from({ length: 4 }, async () => {
        let status = 201;
        while (status === 201) {
          const call = { body: orderFor({ items: [[lantern, 1]] }), idempotencyKey: randomUUID() };
          ({ status } = await customer.calls('POST', '/orders', call));
        }
        expect(status).toBe(401);
      });
      await customer.asks(202, 'DELETE', '/users/me');
      await Promise.all(ordering);
    }),
  );
  for (const url of theShop().databaseUrls) {
    for (const name of names) {
      const holding = () => tablesHolding(url, name);
      await until(`${name} is forgotten`, async () => (await holding()).length === 0, 2_000).catch(async () =>
        expect({ name, tables: await holding() }).toEqual({ name, tables: [] }),
      );
    }
  }
});

test('the search that found nothing finds what is there', async () => {
  const { databaseUrls } = theShop();
  if (databaseUrls.length === 0) return skippedLoudly('the search for traces of a person; no table is in reach');
  const name = aWordOfItsOwn();
  const jane = await aCustomer({ name: name.toUpperCase() });
  await jane.looksAt('/orders');
  const found = () => Promise.all(databaseUrls.map((url) => tablesHolding(url, name))).then((tables) => tables.flat());
  await until('orders knows the name', async () => (await found()).includes('orders.customer'));
  expect(await found()).toContain('users.account');
  expect((await found()).some((table) => table.startsWith('users.outbox'))).toBe(true);
});

test('an order on its way when its customer is erased comes to its end all the same', async () => {
  const [admin, jane] = await Promise.all([anAdmin(), aCustomer()]);
  const lantern = await admin.lists({ stock: 5 });
  const { placed } = await jane.orders({ items: [[lantern, 2]], paysWith: 'tok_slow' });
  await jane.asks(202, 'DELETE', '/users/me');
  const order = new PlacedOrder(admin as never, placed);
  await eventually(order).is('confirmed');
  expect((await order.now()).customerName).toBeNull();
});

test('the address is free again, for somebody else', async () => {
  const jane = await aCustomer();
  const registration = { body: { email: jane.email.toUpperCase(), password: randomUUID(), name: 'Somebody' } };
  expect(await aVisitor().asks(409, 'POST', '/users', registration)).toMatchObject({ code: 'email-taken' });
  await jane.asks(202, 'DELETE', '/users/me');
  const { id } = await aVisitor().asks(201, 'POST', '/users', registration);
  expect(id).not.toBe(jane.id);
});
