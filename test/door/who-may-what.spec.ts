import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { anAdmin, type Admin } from '../journeys/shop/admin';
import { aCustomer, type Customer } from '../journeys/shop/customer';
import { openApiOf } from '../journeys/shop/door';
import { eventually, type PlacedOrder } from '../journeys/shop/order';
import type { Product } from '../journeys/shop/product';
import { theShop } from '../journeys/shop/shop';
import { aVisitor, type Visitor } from '../journeys/shop/visitor';
import { moduleData } from '../../tools/db/modules';
import { Api } from '../../tools/fuzz/api';

const NOBODY = '01980f2e-7c00-7000-8000-00000000000a';
const PASSWORD = 'truth universally acknowledged';

/** Whose things the calls below are about: an owner with an order that was paid for. */
interface Things {
  owner: Customer;
  order: PlacedOrder;
  product: Product;
  payment: { id: string };
}

interface Row {
  call: (things: Things) => { path?: string; body?: unknown };
  /** What each is answered, by status and, for a refusal, code. */
  visitor: string;
  owner: string;
  stranger: string;
  admin: string;
  /** Whether the things are no good for other calls afterwards. */
  spoils?: true;
}

const nobodyButAdmins = { visitor: '401 unauthenticated', owner: '403 forbidden', stranger: '403 forbidden' };
const allWhoAreSignedIn = (status: string) => ({ owner: status, stranger: status, admin: status });
const anybody = (status: string) => ({ visitor: status, ...allWhoAreSignedIn(status) });
const ownersAndAdmins = (status: string, refusal: string) => ({
  visitor: '401 unauthenticated',
  owner: status,
  stranger: refusal,
  admin: status,
});

const parkedMessages = (module: string): Record<string, Row> => {
  const row = (path: string, admin: string, body?: object): Row => ({
    call: () => ({ path: `/ops/${module}/parked-messages${path}`, body }),
    ...nobodyButAdmins,
    admin,
  });
  const reason = 'Tried out.';
  const id = `${module}ParkedMessages`;
  return {
    [`${id}.list`]: row('', '200'),
    [`${id}.inspect`]: row(`/${NOBODY}`, '404 parked-message-not-found'),
    [`${id}.redriveAll`]: row('/redrive', '202', { reason, filter: { key: NOBODY } }),
    [`${id}.redrive`]: row(`/${NOBODY}/redrive`, '404 parked-message-not-found', { reason }),
    [`${id}.editAndRedrive`]: row(`/${NOBODY}/edit-and-redrive`, '404 parked-message-not-found', {
      reason,
      content: {},
    }),
    [`${id}.discard`]: row(`/${NOBODY}/discard`, '404 parked-message-not-found', { reason }),
  };
};

/** Every call of the API. One that is missing here, or that is no more, fails the first test. */
const rows: Record<string, Row> = {
  'users.register': {
    call: () => ({ path: '/users', body: { email: `${randomUUID()}@door.example`, password: PASSWORD, name: 'Jane' } }),
    ...anybody('201'),
  },
  'auth.signIn': {
    call: ({ owner: { email } }) => ({ path: '/auth/token', body: { email, password: PASSWORD } }),
    ...anybody('401 invalid-credentials'),
  },
  'auth.refresh': {
    call: () => ({ path: '/auth/token/refresh', body: { refreshToken: 'brt_of_nobody' } }),
    ...anybody('401 invalid-refresh-token'),
  },
  'auth.signOut': {
    call: ({ owner }) => ({ path: '/auth/logout', body: { refreshToken: owner.tokens!.refreshToken } }),
    visitor: '401 unauthenticated',
    ...allWhoAreSignedIn('204'),
  },
  'users.getMe': { call: () => ({ path: '/users/me' }), visitor: '401 unauthenticated', ...allWhoAreSignedIn('200') },
  'users.changeMe': {
    call: () => ({ path: '/users/me', body: {} }),
    visitor: '401 unauthenticated',
    ...allWhoAreSignedIn('200'),
  },
  // A fault keeps everybody from being erased here; it comes after the question who may.
  'users.eraseMe': {
    call: () => ({ path: '/users/me?really=yes' }),
    visitor: '401 unauthenticated',
    ...allWhoAreSignedIn('400 validation-failed'),
  },
  'users.get': { call: ({ owner }) => ({ path: `/users/${owner.id}` }), ...nobodyButAdmins, admin: '200' },
  'signingKeys.publish': { call: () => ({ path: '/.well-known/jwks.json' }), ...anybody('200') },
  'signingKeys.rotate': { call: () => ({ path: '/ops/users/signing-keys' }), ...nobodyButAdmins, admin: '201' },
  'products.search': { call: () => ({ path: '/products?limit=1' }), ...anybody('200') },
  'products.get': { call: ({ product }) => ({ path: `/products/${product.id}` }), ...anybody('200') },
  'products.list': {
    call: () => ({
      path: '/products',
      body: { sku: `D-${randomUUID()}`, name: 'Lantern', price: { amount: 1, currency: 'GBP' }, stock: 0 },
    }),
    ...nobodyButAdmins,
    admin: '201',
  },
  'products.change': {
    call: ({ product }) => ({ path: `/products/${product.id}`, body: {} }),
    ...nobodyButAdmins,
    admin: '200',
  },
  'products.adjust': {
    call: ({ product }) => ({
      path: `/products/${product.id}/stock-adjustments`,
      body: { delta: 1, reason: 'Counted' },
    }),
    ...nobodyButAdmins,
    admin: '200',
  },
  'orders.place': {
    call: ({ product }) => ({
      path: '/orders',
      body: { items: [{ productId: product.id, quantity: 1 }], payment: { token: 'tok_approved' } },
    }),
    visitor: '401 unauthenticated',
    owner: '201',
    stranger: '201',
    admin: '403 forbidden',
  },
  'orders.list': {
    call: ({ owner }) => ({ path: `/orders?customerId=${owner.id}` }),
    visitor: '401 unauthenticated',
    owner: '403 forbidden',
    stranger: '403 forbidden',
    admin: '200',
  },
  'orders.get': {
    call: ({ order }) => ({ path: `/orders/${order.id}` }),
    ...ownersAndAdmins('200', '404 order-not-found'),
  },
  'orders.history': {
    call: ({ order }) => ({ path: `/orders/${order.id}/history` }),
    ...ownersAndAdmins('200', '404 order-not-found'),
  },
  'orders.cancel': {
    call: ({ order }) => ({ path: `/orders/${order.id}/cancellation`, body: {} }),
    ...ownersAndAdmins('202', '404 order-not-found'),
    spoils: true,
  },
  'payments.find': {
    call: ({ order }) => ({ path: `/payments?orderId=${order.id}` }),
    visitor: '401 unauthenticated',
    ...allWhoAreSignedIn('200'),
  },
  'payments.get': {
    call: ({ payment }) => ({ path: `/payments/${payment.id}` }),
    ...ownersAndAdmins('200', '404 payment-not-found'),
  },
  'payments.refund': {
    call: ({ payment }) => ({
      path: `/payments/${payment.id}/refunds`,
      body: { amount: { amount: 1, currency: 'GBP' } },
    }),
    ...nobodyButAdmins,
    admin: '201',
  },
  ...Object.fromEntries(moduleData.flatMap(({ module }) => Object.entries(parkedMessages(module)))),
};

let api: Api;
let admin: Admin;
let stranger: Customer;
let product: Product;
// What the owner does must not be in the admin's way, so each has things of their own.
let kept: [mine: Things, others: Things];
beforeAll(async () => {
  api = new Api((await openApiOf(theShop())) as never);
  [admin, stranger] = await Promise.all([anAdmin(), aCustomer()]);
  product = await admin.lists({ stock: 1_000 });
  kept = await Promise.all([things(), things()]);
});

async function things(): Promise<Things> {
  const owner = await aCustomer();
  const order = await owner.orders({ items: [[product, 1]] });
  await eventually(order).is('confirmed');
  return { owner, order, product, payment: await order.payment() };
}

test('every call of the API has its row, and every row its call', () => {
  expect(Object.keys(rows).sort()).toEqual(api.operations.map(({ id }) => id).sort());
});

test('the document says of every call who it is for', () => {
  const told = api.operations.map(({ id, audience }) => [id, audience]);
  const meant = api.operations.map(({ id }) => {
    const { visitor, owner, admin: boss } = rows[id]!;
    if (!visitor.startsWith('401 unauthenticated')) return [id, 'anyone'];
    if (owner.startsWith('403') && id !== 'orders.list') return [id, 'admin'];
    return [id, boss.startsWith('403') ? 'customer' : 'user'];
  });
  expect(told).toEqual(meant);
});

test.each(Object.keys(rows))('%s is for whom it is meant, and for nobody else', async (id) => {
  const { call, spoils, ...expected } = rows[id]!;
  const method = api.operations.find((operation) => operation.id === id)!.method;
  const asked = async (who: Visitor, about: Things) => {
    const { path, body } = call(about);
    const { status, body: answer } = await who.calls(method, path!, { body, idempotencyKey: randomUUID() });
    return status < 400 ? String(status) : `${status} ${answer.code as string}`;
  };
  const [mine, others] = spoils ? await Promise.all([things(), things()]) : kept;
  expect({
    visitor: await asked(aVisitor(), mine),
    stranger: await asked(stranger, mine),
    owner: await asked(mine.owner, mine),
    admin: await asked(admin, others),
  }).toEqual(expected);
});

test('what belongs to others is not even listed', async () => {
  const { order } = await things();
  expect((await stranger.reads('/orders')).items.map(({ id }) => id)).not.toContain(order.id);
  expect((await stranger.looksAt(`/payments?orderId=${order.id}`)).items).toEqual([]);
});

test('nobody is signed out by whom the refresh token does not belong to', async () => {
  const { owner } = await things();
  const { refreshToken } = owner.tokens!;
  await stranger.asks(204, 'POST', '/auth/logout', { body: { refreshToken } });
  await owner.asks(200, 'POST', '/auth/token/refresh', { body: { refreshToken } });
});
