import { randomUUID } from 'node:crypto';
import { anAdmin, type Admin } from './shop/admin';
import { aCustomer, orderFor, type Customer } from './shop/customer';
import type { Call } from './shop/door';
import type { Product } from './shop/product';
import { aVisitor, type Visitor } from './shop/visitor';

const NOBODY = '01980f2e-7c00-7000-8000-00000000000a';
const TOO_LARGE = JSON.stringify({ text: 'x'.repeat(1_100_000) });

let admin: Admin;
let jane: Customer;
let lantern: Product;
const visitor = aVisitor();
beforeAll(async () => {
  [admin, jane] = await Promise.all([anAdmin(), aCustomer()]);
  lantern = await admin.lists();
});

async function expectRefusal(who: Visitor, method: string, path: string, call: Call, status: number, code: string) {
  const answer = await who.calls(method, path, call);
  expect([answer.status, answer.body?.code]).toEqual([status, code]);
  return answer;
}
const who = (role: string): Visitor => ({ visitor, customer: jane, admin })[role]!;

describe('each is refused for the first of its faults', () => {
  const bad = { raw: '{"wrong":', idempotencyKey: 'k' };
  it.each<[string, string, string, string, Call, number, string]>([
    ['no such path', 'visitor', 'GET', '/nowhere', {}, 404, 'route-not-found'],
    ['no such path, with a body too large', 'visitor', 'POST', '/nowhere', { raw: TOO_LARGE }, 404, 'route-not-found'],
    ['no such method', 'visitor', 'PUT', '/orders', bad, 405, 'method-not-allowed'],
    ['no token', 'visitor', 'POST', '/orders', bad, 401, 'unauthenticated'],
    ['no token, with a body too large', 'visitor', 'POST', '/orders', { raw: TOO_LARGE }, 401, 'unauthenticated'],
    ['a broken token', 'visitor', 'POST', '/orders', { ...bad, token: 'a.b.c' }, 401, 'invalid-token'],
    ['the wrong role', 'admin', 'POST', '/orders', bad, 403, 'forbidden'],
    ['the wrong role, with a body too large', 'customer', 'POST', '/products', { raw: TOO_LARGE }, 403, 'forbidden'],
    [
      'the wrong role for what is not there',
      'customer',
      'PATCH',
      `/products/${NOBODY}`,
      { body: {} },
      403,
      'forbidden',
    ],
    ['a body too large', 'customer', 'POST', '/orders', { raw: TOO_LARGE }, 413, 'body-too-large'],
    [
      'no JSON by its type',
      'customer',
      'POST',
      '/orders',
      { raw: 'a=1', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
      415,
      'unsupported-media-type',
    ],
    [
      'text by its type',
      'customer',
      'POST',
      '/orders',
      { raw: '{}', headers: { 'content-type': 'text/plain' } },
      415,
      'unsupported-media-type',
    ],
    ['no JSON', 'customer', 'POST', '/orders', bad, 400, 'malformed-json'],
    ['a malformed id', 'customer', 'GET', '/orders/42', {}, 400, 'validation-failed'],
    [
      'no key, for what is not there',
      'customer',
      'POST',
      `/orders/${NOBODY}/cancellation`,
      { body: {} },
      400,
      'idempotency-key-required',
    ],
    [
      'a wrong body, for what is not there',
      'customer',
      'POST',
      `/orders/${NOBODY}/cancellation`,
      { body: { reason: 1 }, idempotencyKey: 'k' },
      400,
      'validation-failed',
    ],
    [
      'not there',
      'customer',
      'POST',
      `/orders/${NOBODY}/cancellation`,
      { body: {}, idempotencyKey: 'k' },
      404,
      'order-not-found',
    ],
    ['a product that is not there', 'visitor', 'GET', `/products/${NOBODY}`, {}, 404, 'product-not-found'],
    [
      'a payment that is not there',
      'admin',
      'POST',
      `/payments/${NOBODY}/refunds`,
      { body: {}, idempotencyKey: 'k' },
      404,
      'payment-not-found',
    ],
  ])('%s', async (_, role, method, path, call, status, code) => {
    await expectRefusal(who(role), method, path, call, status, code);
  });

  it('tells which methods there are', async () => {
    const { headers } = await expectRefusal(visitor, 'DELETE', '/orders', {}, 405, 'method-not-allowed');
    expect(headers['allow']!.split(/, */)).toEqual(expect.arrayContaining(['GET', 'POST']));
    expect(headers['allow']).not.toContain('DELETE');
  });

  it('asks for a token in the words of HTTP', async () => {
    const { headers } = await expectRefusal(visitor, 'GET', '/orders', {}, 401, 'unauthenticated');
    expect(headers['www-authenticate']).toMatch(/^Bearer/);
  });
});

describe('an access token', () => {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

  it.each<[string, (token: string) => string]>([
    ['without signature', (token) => `${part({ alg: 'none', typ: 'JWT' })}.${token.split('.')[1]}.`],
    ['with another’s signature', (token) => `${token.split('.').slice(0, 2).join('.')}.${'A'.repeat(86)}`],
    [
      'with more rights than were signed',
      (token) => {
        const [head, claims, signature] = token.split('.') as [string, string, string];
        const promoted = { ...JSON.parse(Buffer.from(claims, 'base64url').toString()), roles: ['admin'] };
        return `${head}.${part(promoted)}.${signature}`;
      },
    ],
    [
      'of a key that nobody has',
      (token) => `${part({ alg: 'ES256', kid: NOBODY })}.${token.split('.').slice(1).join('.')}`,
    ],
    ['in its place a refresh token', () => jane.tokens!.refreshToken],
  ])('%s opens no door', async (_, forge) => {
    const token = forge(jane.tokens!.accessToken);
    for (const path of ['/users/me', '/orders', `/payments?orderId=${NOBODY}`]) {
      await expectRefusal(visitor, 'GET', path, { token }, 401, 'invalid-token');
    }
    await expectRefusal(visitor, 'POST', '/products', { token, body: {} }, 401, 'invalid-token');
  });
});

describe('what is not declared is refused, and told field by field', () => {
  const valid = () => orderFor({ items: [[lantern, 1]] });
  const line = () => valid().items[0]!;

  it.each<[string, () => unknown, string]>([
    ['a field too many', () => ({ ...valid(), discount: 100 }), ''],
    ['a field too many further down', () => ({ ...valid(), items: [{ ...line(), price: 1 }] }), 'items.0'],
    ['no items', () => ({ ...valid(), items: [] }), 'items'],
    ['too many items', () => ({ ...valid(), items: Array.from({ length: 2001 }, line) }), 'items'],
    ['half a piece', () => ({ ...valid(), items: [{ ...line(), quantity: 0.5 }] }), 'items.0.quantity'],
    ['no piece', () => ({ ...valid(), items: [{ ...line(), quantity: 0 }] }), 'items.0.quantity'],
    ['too many pieces', () => ({ ...valid(), items: [{ ...line(), quantity: 100_001 }] }), 'items.0.quantity'],
    ['no product', () => ({ ...valid(), items: [{ ...line(), productId: 'lantern' }] }), 'items.0.productId'],
    ['an unknown payment token', () => ({ ...valid(), payment: { token: 'tok_free' } }), 'payment.token'],
    ['null', () => null, ''],
    ['a list', () => [], ''],
  ])('in an order: %s', async (_, body, path) => {
    const idempotencyKey = randomUUID();
    const answer = await expectRefusal(
      jane,
      'POST',
      '/orders',
      { body: body(), idempotencyKey },
      400,
      'validation-failed',
    );
    expect(answer.body.errors.map((error: { path: string }) => error.path)).toContainEqual(
      expect.stringContaining(path),
    );
  });

  it.each([
    ['customer', '/orders?colour=red'],
    ['customer', '/orders?limit=0'],
    ['customer', '/orders?limit=101'],
    ['customer', '/orders?limit=ten'],
    ['customer', '/orders?status=lost'],
    ['customer', '/orders?cursor=nonsense'],
    ['customer', '/payments'],
    ['visitor', '/products?q=%00'],
    ['visitor', `/products/${NOBODY}?verbose=1`],
    ['customer', '/users/me?fields=all'],
  ])('in a query, by a %s: %s', async (role, path) => {
    await expectRefusal(who(role), 'GET', path, {}, 400, 'validation-failed');
  });

  it.each([
    ['NUL in a name', { email: 'nul@journeys.example', password: 'long enough for it', name: 'Jane\u0000' }],
    ['a short password', { email: 'short@journeys.example', password: 'elevenchars', name: 'Jane' }],
    ['a long password', { email: 'long@journeys.example', password: 'x'.repeat(129), name: 'Jane' }],
    ['no e-mail address', { email: 'journeys.example', password: 'long enough for it', name: 'Jane' }],
    ['a role', { email: 'role@journeys.example', password: 'long enough for it', name: 'Jane', roles: ['admin'] }],
  ])('in a registration: %s', async (_, body) => {
    await expectRefusal(visitor, 'POST', '/users', { body }, 400, 'validation-failed');
  });

  it('and a body nested without end is too', async () => {
    const raw = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    const { status } = await jane.calls('POST', '/orders', { raw, idempotencyKey: randomUUID() });
    expect(status).toBe(400);
  });
});

test.each(['/%zz', '/orders/%00', '/../../etc/passwd', '//', '/orders/'])(
  '%s is answered as a problem',
  async (path) => {
    const { status } = await jane.calls('GET', path);
    expect([400, 404]).toContain(status);
  },
);
