import { loadSettings } from '@banyan/config';
import { createHttpApp, openApiDocument, VerificationKeys } from '@banyan/http';
import { Database } from '@banyan/persistence';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { v7 as uuidv7 } from 'uuid';
import { freshDatabase } from '../../../test/database/database';
import { InventoryModule } from './index';

jest.setTimeout(60_000);

const unlisted = '01980f2e-7c00-7000-8000-0000000000ff';
const tea = { sku: 'TEA-EARL-GREY', name: 'Earl Grey', price: { amount: 650, currency: 'GBP' }, stock: 7 };

let shop: Awaited<ReturnType<typeof setup>>;
beforeAll(async () => (shop = await setup()));
afterAll(() => shop.close());
beforeEach(() => shop.database.query('TRUNCATE product CASCADE'));

describe('a product', () => {
  it('is listed by an admin and shown to anyone', async () => {
    const listed = await shop.admin('POST', '/products', tea);
    expect(listed).toMatchObject({
      status: 201,
      body: { sku: 'TEA-EARL-GREY', name: 'Earl Grey', price: tea.price, available: 7 },
    });
    const { id } = listed.body;
    expect(Object.keys(listed.body)).toEqual(['id', 'sku', 'name', 'price', 'available', 'updatedAt']);

    expect(await shop.anyone('GET', `/products/${id}`)).toMatchObject({ status: 200, body: listed.body });
    expect(await shop.anyone('GET', `/products/${id.toUpperCase()}`)).toMatchObject({ status: 200, body: listed.body });
    expect(await shop.anyone('GET', '/products?q=earl')).toMatchObject({
      status: 200,
      body: { items: [listed.body], nextCursor: null },
    });
  });

  it('is not sent again to whom it is known, until it changes', async () => {
    const { id } = (await shop.admin('POST', '/products', tea)).body;
    const first = await shop.anyone('GET', `/products/${id}`);
    const etag = first.headers['etag'] as string;

    const known = await shop.anyone('GET', `/products/${id}`, undefined, { 'if-none-match': `"other", W/${etag}` });
    expect(known).toMatchObject({ status: 304, text: '' });
    expect(known.headers['etag']).toBe(etag);

    await shop.admin('POST', `/products/${id}/stock-adjustments`, { delta: -1, reason: 'broken' });
    const changed = await shop.anyone('GET', `/products/${id}`, undefined, { 'if-none-match': etag });
    expect(changed).toMatchObject({ status: 200, body: { available: 6 } });
    expect(changed.headers['etag']).not.toBe(etag);
  });

  it('takes a new name or price, either or none', async () => {
    const { id, updatedAt } = (await shop.admin('POST', '/products', tea)).body;
    expect(await shop.admin('PATCH', `/products/${id}`, {})).toMatchObject({ status: 200, body: { updatedAt } });
    expect(await shop.admin('PATCH', `/products/${id}`, { name: 'Earl Grey, loose' })).toMatchObject({
      status: 200,
      body: { name: 'Earl Grey, loose', price: tea.price },
    });
    const price = { amount: 700, currency: 'EUR' };
    expect(await shop.admin('PATCH', `/products/${id}`, { price })).toMatchObject({
      status: 200,
      body: { name: 'Earl Grey, loose', price },
    });
  });

  it('has its stock counted, but not below nothing', async () => {
    const { id } = (await shop.admin('POST', '/products', tea)).body;
    const count = (delta: number) =>
      shop.admin('POST', `/products/${id}/stock-adjustments`, { delta, reason: 'count' });
    expect(await count(5)).toMatchObject({ status: 200, body: { onHand: 12, reserved: 0, available: 12 } });
    expect(await count(-13)).toMatchObject({ status: 409, body: { code: 'stock-would-be-negative' } });
    expect(await count(-12)).toMatchObject({ status: 200, body: { onHand: 0, reserved: 0, available: 0 } });
  });

  it('is listed once for one Idempotency-Key, and its sku is never another’s', async () => {
    const key = { 'idempotency-key': uuidv7() };
    const first = await shop.admin('POST', '/products', tea, key);
    expect(await shop.admin('POST', '/products', tea, key)).toMatchObject({ status: 201, text: first.text });
    expect(await shop.admin('POST', '/products', { ...tea, stock: 8 }, key)).toMatchObject({ status: 422 });
    expect(await shop.admin('POST', '/products', tea)).toMatchObject({ status: 409, body: { code: 'sku-taken' } });
  });

  it.each([
    ['GET', ''],
    ['PATCH', ''],
    ['POST', '/stock-adjustments'],
  ] as const)('that nobody listed is not found by %s', async (method, rest) => {
    const body = { GET: undefined, PATCH: { name: 'x' }, POST: { delta: 1, reason: 'found' } }[method];
    expect(await shop.admin(method, `/products/${unlisted}${rest}`, body)).toMatchObject({
      status: 404,
      body: { code: 'product-not-found' },
    });
  });
});

it('pages through products in the order in which they were listed', async () => {
  for (let n = 1; n <= 5; n += 1) await shop.admin('POST', '/products', { ...tea, sku: `TEA-${n}` });
  const seen: string[] = [];
  let cursor: string | null = '';
  do {
    const { body } = await shop.anyone('GET', `/products?limit=2${cursor && `&cursor=${cursor}`}`);
    seen.push(...body.items.map(({ sku }: { sku: string }) => sku));
    cursor = body.nextCursor;
  } while (cursor !== null);
  expect(seen).toEqual(['TEA-1', 'TEA-2', 'TEA-3', 'TEA-4', 'TEA-5']);
});

it.each([
  ['POST', '/products', { ...tea, sku: '' }, 'sku'],
  ['POST', '/products', { ...tea, name: ' ' }, 'name'],
  ['POST', '/products', { ...tea, stock: -1 }, 'stock'],
  ['POST', '/products', { ...tea, stock: 1.5 }, 'stock'],
  ['POST', '/products', { ...tea, price: { amount: 0, currency: 'GBP' } }, 'price.amount'],
  ['POST', '/products', { ...tea, price: { amount: 1e15, currency: 'GBP' } }, 'price.amount'],
  ['POST', '/products', { ...tea, price: { amount: 1, currency: 'pounds' } }, 'price.currency'],
  ['POST', '/products', { ...tea, colour: 'blue' }, 'colour'],
  ['PATCH', `/products/${unlisted}`, { stock: 3 }, 'stock'],
  ['PATCH', '/products/42', { name: 'x' }, 'id'],
  ['POST', `/products/${unlisted}/stock-adjustments`, { delta: 0, reason: 'none' }, 'delta'],
  ['POST', `/products/${unlisted}/stock-adjustments`, { delta: 2 ** 53, reason: 'many' }, 'delta'],
  ['POST', `/products/${unlisted}/stock-adjustments`, { delta: 1 }, 'reason'],
  ['POST', `/products/${unlisted}/stock-adjustments`, { delta: 1, reason: 'x', orderId: '42' }, 'orderId'],
  ['GET', '/products?limit=101', undefined, 'limit'],
  ['GET', '/products?cursor=nonsense', undefined, 'cursor'],
  ['GET', '/products?colour=blue', undefined, 'colour'],
] as const)('%s %s with %j is refused for its %s', async (method, path, body, field) => {
  const answer = await shop.admin(method, path, body);
  expect(answer).toMatchObject({ status: 400, body: { code: 'validation-failed' } });
  expect(answer.body.errors.map((error: { path: string }) => error.path)).toContain(field);
});

it.each([
  ['POST', '/products', tea],
  ['PATCH', `/products/${unlisted}`, { name: 'x' }],
  ['POST', `/products/${unlisted}/stock-adjustments`, { delta: 1, reason: 'found' }],
] as const)('%s %s is for admins only', async (method, path, body) => {
  expect(await shop.anyone(method, path, body)).toMatchObject({ status: 401 });
  expect(await shop.customer(method, path, body)).toMatchObject({ status: 403 });
});

it('declares each of its answers', () => {
  const { paths } = openApiDocument(shop.app, {}, shop.settings);
  const answers = (path: string, method: 'get' | 'post' | 'patch') =>
    Object.keys(paths[path]?.[method]?.responses ?? {});
  expect(answers('/api/v1/products/{id}', 'get')).toEqual(expect.arrayContaining(['200', '304', '400', '404']));
  expect(answers('/api/v1/products', 'post')).toEqual(
    expect.arrayContaining(['201', '400', '401', '403', '409', '413', '415', '422']),
  );
  expect(answers('/api/v1/products/{id}/stock-adjustments', 'post')).toEqual(
    expect.arrayContaining(['200', '400', '401', '403', '404', '409', '422']),
  );
});

/** Inventory alone behind HTTP, on a database of its own; its messages stay in its outbox. */
async function setup() {
  const { url, drop } = await freshDatabase();
  const settings = loadSettings({ NODE_ENV: 'test', DATABASE_URL: url, LOG_LEVEL: 'silent' });
  const app = await createHttpApp(settings, [InventoryModule]);
  await app.init();
  await app.getHttpAdapter().getInstance().ready();
  const database = app.get(Database, { strict: false });
  await database.query('CREATE TABLE outbox_of_this_test PARTITION OF outbox DEFAULT');

  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const kid = uuidv7();
  const key = { kid, publicKey: await exportJWK(publicKey), notBefore: new Date(), expiresAt: new Date('2100-01-01') };
  await database.transaction((tx) => app.get(VerificationKeys, { strict: false }).accept(tx, key));
  const tokenOf = (role: string) =>
    new SignJWT({ roles: [role] })
      .setProtectedHeader({ alg: 'ES256', kid })
      .setSubject(uuidv7())
      .setIssuer(settings.tokens.issuer)
      .setAudience(settings.tokens.audience)
      .setIssuedAt()
      .setExpirationTime('5m')
      .sign(privateKey);
  const [admin, customer] = await Promise.all([tokenOf('admin'), tokenOf('customer')]);

  const callAs =
    (token?: string) =>
    async (method: 'GET' | 'POST' | 'PATCH', path: string, body?: object, headers: Record<string, string> = {}) => {
      const { statusCode, ...answer } = await app.inject({
        method,
        url: `/api/v1${path}`,
        headers: { ...headers, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
        ...(body === undefined ? {} : { payload: body }),
      });
      const text = answer.body;
      return { status: statusCode, headers: answer.headers, text, body: text === '' ? undefined : JSON.parse(text) };
    };

  return {
    app,
    settings,
    database,
    anyone: callAs(),
    admin: callAs(admin),
    customer: callAs(customer),
    async close() {
      await app.close();
      await drop();
    },
  };
}
