import { randomUUID } from 'node:crypto';
import { anAdmin, type Admin } from '../journeys/shop/admin';
import { aCustomer, type Customer } from '../journeys/shop/customer';
import type { Call } from '../journeys/shop/door';
import { gbp } from '../journeys/shop/money';
import { eventually } from '../journeys/shop/order';
import { aVisitor } from '../journeys/shop/visitor';

const NOBODY = '01980f2e-7c00-7000-8000-00000000000a';
const TOO_LARGE = `{"text":"${'x'.repeat(1_100_000)}"}`;

interface Sent extends Call {
  method: string;
  path: string;
}

/** Something wrong with a request, and how it is answered where nothing that comes before it is wrong as well. */
interface Fault {
  /** The place in the order of checks; faults of the same place may be told in any order. */
  place: number;
  answer: string;
  spoil: (sent: Sent) => Partial<Sent>;
}

const noSuchPath: Fault = { place: 1, answer: '404 route-not-found', spoil: () => ({ path: '/nowhere' }) };
const noSuchMethod: Fault = { place: 1, answer: '405 method-not-allowed', spoil: () => ({ method: 'PUT' }) };
const noToken: Fault = { place: 2, answer: '401 unauthenticated', spoil: () => ({ token: undefined }) };
const badToken: Fault = { place: 2, answer: '401 invalid-token', spoil: () => ({ token: 'a.b.c' }) };
const tooLarge: Fault = { place: 4, answer: '413 body-too-large', spoil: () => ({ raw: TOO_LARGE }) };
const otherType: Fault = {
  place: 4,
  answer: '415 unsupported-media-type',
  spoil: ({ body, raw = JSON.stringify(body) }) => ({ raw, headers: { 'content-type': 'text/plain' } }),
};
const noJson: Fault = { place: 4, answer: '400 malformed-json', spoil: () => ({ raw: '{"wrong":' }) };
const wrongBody: Fault = { place: 4, answer: '400 validation-failed', spoil: () => ({ body: { unknown: 1 } }) };
const wrongQuery: Fault = {
  place: 4,
  answer: '400 validation-failed',
  spoil: ({ path }) => ({ path: `${path}?un=known` }),
};
const noKey: Fault = { place: 4, answer: '400 idempotency-key-required', spoil: () => ({ idempotencyKey: undefined }) };
const longKey: Fault = {
  place: 4,
  answer: '400 validation-failed',
  spoil: () => ({ idempotencyKey: 'k'.repeat(256) }),
};
const wrongId: Fault = {
  place: 4,
  answer: '400 validation-failed',
  spoil: ({ path }) => ({ path: path.replace(/[\w-]{36}/, 'not-an-id') }),
};
const body = { tooLarge, otherType, noJson, wrongBody };
const outside = { noSuchPath, noSuchMethod, noToken, badToken };

const notThere = (code: string): Fault => ({
  place: 5,
  answer: `404 ${code}`,
  spoil: ({ path }) => ({ path: path.replace(/[\w-]{36}/, NOBODY) }),
});
const conflict = (answer: string, spoil: Fault['spoil']): Fault => ({ place: 6, answer, spoil });

let admin: Admin;
let jane: Customer;
let someone: Customer;
const things = { order: '', cancelled: '', foreign: '', payment: '', product: '', sku: '' };
beforeAll(async () => {
  [admin, jane, someone] = await Promise.all([anAdmin(), aCustomer(), aCustomer()]);
  const product = await admin.lists({ price: gbp(1_000_000), stock: 100 });
  const buy = (customer: Customer) => customer.orders({ items: [[product, 1]] });
  const [order, cancelled, foreign] = await Promise.all([buy(jane), buy(jane), buy(someone)]);
  await cancelled.isCancelled();
  await foreign.isCancelled({ by: someone });
  await eventually(order).is('confirmed');
  await eventually(cancelled).is('cancelled', 'customer-request');
  await eventually(foreign).is('cancelled', 'customer-request');
  const payment = await order.payment();
  Object.assign(things, {
    order: order.id,
    cancelled: cancelled.id,
    foreign: foreign.id,
    payment: payment.id,
    product: product.id,
    sku: product.sku,
  });
});

const asCustomer = (): Partial<Sent> => ({ token: jane.tokens!.accessToken });
const wrongRole: Fault = { place: 3, answer: '403 forbidden', spoil: asCustomer };
const adminsRole: Fault = { place: 3, answer: '403 forbidden', spoil: () => ({ token: admin.tokens!.accessToken }) };

const calls: Record<string, { sent: () => Sent; faults: Record<string, Fault> }> = {
  'placing an order': {
    sent: () => ({
      method: 'POST',
      path: '/orders',
      body: { items: [{ productId: things.product, quantity: 1 }], payment: { token: 'tok_approved' } },
      ...asCustomer(),
    }),
    faults: {
      ...outside,
      adminsRole,
      ...body,
      wrongQuery,
      noKey,
      longKey,
      unknownProduct: conflict('422 unknown-product', () => ({
        body: { items: [{ productId: NOBODY, quantity: 1 }], payment: { token: 'tok_approved' } },
      })),
      tooMuch: conflict('422 amount-too-large', () => ({
        body: {
          items: Array.from({ length: 2_000 }, () => ({ productId: things.product, quantity: 100_000 })),
          payment: { token: 'tok_approved' },
        },
      })),
    },
  },
  'looking at an order': {
    sent: () => ({ method: 'GET', path: `/orders/${things.order}`, ...asCustomer() }),
    faults: {
      ...outside,
      wrongQuery,
      wrongId,
      notThere: notThere('order-not-found'),
      notMine: { ...notThere('order-not-found'), spoil: () => ({ path: `/orders/${things.foreign}` }) },
    },
  },
  'cancelling an order': {
    sent: () => ({ method: 'POST', path: `/orders/${things.cancelled}/cancellation`, body: {}, ...asCustomer() }),
    faults: {
      ...outside,
      ...body,
      wrongQuery,
      wrongId,
      noKey,
      longKey,
      notThere: notThere('order-not-found'),
      // It has been cancelled, too; but that is nobody else's business.
      notMine: {
        ...notThere('order-not-found'),
        spoil: ({ path }) => ({ path: path.replace(things.cancelled, things.foreign) }),
      },
      alreadyCancelled: conflict('409 order-already-cancelled', () => ({})),
    },
  },
  'giving money back': {
    sent: () => ({
      method: 'POST',
      path: `/payments/${things.payment}/refunds`,
      body: { amount: { amount: 1, currency: 'GBP' } },
      token: admin.tokens!.accessToken,
    }),
    faults: {
      ...outside,
      wrongRole,
      ...body,
      wrongQuery,
      wrongId,
      noKey,
      longKey,
      notThere: notThere('payment-not-found'),
      tooMuch: conflict('422 amount-exceeds-capture', () => ({
        body: { amount: { amount: 10 ** 9, currency: 'GBP' } },
      })),
    },
  },
  'listing a product': {
    sent: () => ({
      method: 'POST',
      path: '/products',
      body: { sku: `D-${randomUUID()}`, name: 'Lantern', price: { amount: 1, currency: 'GBP' }, stock: 0 },
      token: admin.tokens!.accessToken,
    }),
    faults: {
      ...outside,
      wrongRole,
      ...body,
      wrongQuery,
      longKey,
      taken: conflict('409 sku-taken', ({ body: product }) => ({ body: { ...(product as object), sku: things.sku } })),
    },
  },
  'adjusting stock': {
    sent: () => ({
      method: 'POST',
      path: `/products/${things.product}/stock-adjustments`,
      body: { delta: 1, reason: 'Counted' },
      token: admin.tokens!.accessToken,
    }),
    faults: {
      ...outside,
      wrongRole,
      ...body,
      wrongQuery,
      wrongId,
      longKey,
      notThere: notThere('product-not-found'),
      tooFew: conflict('409 stock-would-be-negative', () => ({ body: { delta: -1_000_000, reason: 'Counted' } })),
    },
  },
  'changing one’s name': {
    sent: () => ({ method: 'PATCH', path: '/users/me', body: {}, ...asCustomer() }),
    faults: { ...outside, ...body, wrongQuery },
  },
  registering: {
    sent: () => ({
      method: 'POST',
      path: '/users',
      body: { email: `${randomUUID()}@door.example`, password: 'truth universally acknowledged', name: 'Jane' },
    }),
    faults: {
      noSuchPath,
      noSuchMethod,
      ...body,
      wrongQuery,
      taken: conflict('409 email-taken', ({ body: user }) => ({ body: { ...(user as object), email: jane.email } })),
    },
  },
};

async function answerTo(sent: Sent, faults: readonly Fault[]): Promise<string> {
  // Later checks are spoilt first, so that what spoils the whole path or body has the last word.
  const spoilt = [...faults]
    .sort((a, b) => b.place - a.place)
    .reduce<Sent>((before, { spoil }) => ({ ...before, ...spoil(before) }), { idempotencyKey: randomUUID(), ...sent });
  const { method, path, ...call } = spoilt;
  const { status, body: answer } = await aVisitor().calls(method, path, call);
  return status < 400 ? String(status) : `${status} ${answer?.code as string}`;
}

describe.each(Object.entries(calls))('%s', (_, { sent, faults }) => {
  test('is refused for each of its faults', async () => {
    const answers = await Promise.all(
      Object.entries(faults).map(async ([name, fault]) => [name, await answerTo(sent(), [fault])]),
    );
    expect(answers).toEqual(Object.entries(faults).map(([name, { answer }]) => [name, answer]));
  });

  test('is refused for the first of two faults', async () => {
    const wrong: string[] = [];
    const all = Object.entries(faults);
    for (const [name, fault] of all) {
      for (const [otherName, other] of all) {
        if (fault.place >= other.place) continue;
        const answer = await answerTo(sent(), [fault, other]);
        if (answer !== fault.answer) wrong.push(`${name} and ${otherName}: ${answer}`);
      }
    }
    expect(wrong).toEqual([]);
  });
});
