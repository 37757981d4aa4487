import { randomUUID } from 'node:crypto';
import { anAdmin } from './shop/admin';
import { aCustomer, type Customer } from './shop/customer';
import { until } from './shop/eventually';
import { eventually } from './shop/order';
import { aVisitor } from './shop/visitor';

const kidOf = (token: string): string =>
  JSON.parse(Buffer.from(token.split('.', 1)[0]!, 'base64url').toString('utf8')).kid;

const publishedKids = async (): Promise<string[]> =>
  (await aVisitor().looksAt('/.well-known/jwks.json')).keys.map(({ kid }: { kid: string }) => kid);

/** A call to each module. */
async function isWelcomeEverywhere(customer: Customer): Promise<void> {
  await customer.looksAt('/users/me');
  await customer.looksAt('/orders');
  await customer.looksAt(`/payments?orderId=${randomUUID()}`);
  await customer.asks(403, 'POST', '/products', { body: {} });
}

test('old tokens still work, new ones are signed with the new key, and every module takes both', async () => {
  const [admin, jane] = await Promise.all([anAdmin(), aCustomer()]);
  const { kid, notBefore } = await admin.asks(201, 'POST', '/ops/users/signing-keys', { idempotencyKey: randomUUID() });
  expect(kidOf(jane.tokens!.accessToken)).not.toBe(kid);
  // Announced to everybody before its first use.
  expect(Date.parse(notBefore)).toBeGreaterThan(Date.now());
  await until('the key is published', async () => (await publishedKids()).includes(kid));

  const charlotte = await until('somebody is given a token of the new key', async () => {
    const customer = await aCustomer({ name: 'Charlotte Lucas' });
    // Another journey may have replaced the key once more by now.
    return kidOf(customer.tokens!.accessToken) >= kid && customer;
  });
  expect(await publishedKids()).toEqual(
    expect.arrayContaining([kidOf(jane.tokens!.accessToken), kidOf(charlotte.tokens!.accessToken)]),
  );

  await isWelcomeEverywhere(jane);
  await isWelcomeEverywhere(charlotte);
  const { tokens } = jane;
  jane.tokens = await jane.asks(200, 'POST', '/auth/token/refresh', { body: { refreshToken: tokens!.refreshToken } });
  expect(kidOf(jane.tokens!.accessToken)).not.toBe(kidOf(tokens!.accessToken));
  await isWelcomeEverywhere(jane);
  const lantern = await admin.lists();
  await eventually(await jane.orders({ items: [[lantern, 1]] })).is('confirmed');
});

test('only an admin replaces it', async () => {
  const jane = await aCustomer();
  expect(await jane.asks(403, 'POST', '/ops/users/signing-keys')).toMatchObject({ code: 'forbidden' });
});

test('the published keys are public ones', async () => {
  const { keys } = await aVisitor().looksAt('/.well-known/jwks.json');
  expect(keys.length).toBeGreaterThan(0);
  for (const key of keys) expect(key).not.toHaveProperty('d');
});
