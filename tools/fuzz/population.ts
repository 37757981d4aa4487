import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { request as send } from 'undici';
import type { Senders } from './fuzz';
import type { Json } from './json-text';
import type { Sender } from './requests';
import type { Known } from './well-formed';

const RENEW_AFTER_MS = 240_000;
const PATIENCE_MS = 30_000;

interface Credentials {
  readonly email: string;
  readonly password: string;
}

/** Somebody who can sign in; their access token is renewed before it ends. */
class Person {
  private token: { text: Promise<string>; until: number } | undefined;

  constructor(
    private readonly baseUrl: string,
    readonly credentials: Credentials,
  ) {}

  accessToken(): Promise<string> {
    if (!this.token || this.token.until < Date.now()) {
      const text = ask(this.baseUrl, 'POST', '/auth/token', { body: this.credentials }).then(
        ({ accessToken }) => accessToken as string,
      );
      this.token = { text, until: Date.now() + RENEW_AFTER_MS };
    }
    return this.token.text;
  }
}

/** Those who send the requests, and what they find in the shop: products, orders and payments of theirs and of others. */
export class Population implements Senders {
  private leaver: Promise<Person> | undefined;

  private constructor(
    private readonly baseUrl: string,
    private readonly people: ReadonlyMap<Sender, Person>,
    readonly known: Known,
  ) {}

  /** Settles in a running shop. Throws where it does not let the admin in, or does not carry out an order. */
  static async settle(baseUrl: string, admin: Credentials): Promise<Population> {
    const boss = new Person(baseUrl, admin);
    const [customer, stranger] = [await register(baseUrl), await register(baseUrl)];
    const as = async (person: Person, method: string, path: string, body?: object) =>
      ask(baseUrl, method, path, { body, token: await person.accessToken() });

    const products = await Promise.all(
      [650, 1_999, 1].map((amount) =>
        as(boss, 'POST', '/products', {
          sku: `FUZZ-${randomUUID()}`,
          name: 'Lantern',
          price: { amount, currency: 'GBP' },
          stock: 1_000_000,
        }),
      ),
    );
    const productIds = products.map(({ id }) => id as string);
    const orders = await Promise.all(
      [customer, customer, stranger].map((person, number) =>
        until('an order is placed', () =>
          as(person, 'POST', '/orders', {
            items: [{ productId: productIds[number], quantity: 1 }],
            payment: { token: number === 1 ? 'tok_declined' : 'tok_approved' },
          }).catch((error: Error) => (error.message.includes('unknown-product') ? undefined : Promise.reject(error))),
        ),
      ),
    );
    const orderIds = orders.map(({ id }) => id as string);
    const payments = await Promise.all(
      orderIds.map((orderId) =>
        until('an order is paid', async () => {
          const { items } = await as(boss, 'GET', `/payments?orderId=${orderId}`);
          return (items as { id: string; status: string }[]).find(({ status }) => status !== 'pending');
        }),
      ),
    );
    const me = await as(customer, 'GET', '/users/me');
    const known = new Map<string, readonly Json[]>([
      ['productId', productIds],
      ['orderId', orderIds],
      ['customerId', [me.id as string]],
      ['products', productIds],
      ['orders', orderIds],
      ['payments', payments.map(({ id }) => id)],
      ['users', [me.id as string]],
      ['currency', ['GBP', 'GBP', 'GBP', 'EUR']],
      ['email', [`FUZZ-${randomUUID()}@fuzz.example`, customer.credentials.email]],
      ['password', [customer.credentials.password]],
      ['quantity', [1, 2, 100_000]],
      ['q', ['lantern', '%', '_', '\\']],
      ['limit', ['1', '100']],
    ]);
    return new Population(
      baseUrl,
      new Map([
        ['admin', boss],
        ['customer', customer],
        ['stranger', stranger],
      ]),
      known,
    );
  }

  async tokenOf(sender: Sender): Promise<string | undefined> {
    if (sender === 'leaver') return (await (this.leaver ??= register(this.baseUrl))).accessToken();
    return this.people.get(sender)?.accessToken();
  }

  hasLeft(): void {
    this.leaver = undefined;
  }

  /** The e-mail address of somebody who has registered. */
  someEmail(): string {
    return (this.people.get('customer') as Person).credentials.email;
  }

  /** The ids of everything in a list, as the admin sees it. @param list its path, perhaps with a query */
  async all(list: string): Promise<Set<string>> {
    const token = await this.tokenOf('admin');
    const ids = new Set<string>();
    for (let cursor: string | null = ''; cursor !== null;) {
      const page = await ask(
        this.baseUrl,
        'GET',
        `${list}${list.includes('?') ? '&' : '?'}limit=100${cursor && `&cursor=${cursor}`}`,
        { token },
      );
      for (const { id } of page.items as { id: string }[]) ids.add(id);
      cursor = page.nextCursor as string | null;
    }
    return ids;
  }
}

async function register(baseUrl: string): Promise<Person> {
  const credentials = { email: `${randomUUID()}@fuzz.example`, password: randomUUID() };
  await ask(baseUrl, 'POST', '/users', { body: { ...credentials, name: 'Jane Austen' } });
  return new Person(baseUrl, credentials);
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- any: what comes back is only passed on
type Body = any;

async function ask(
  baseUrl: string,
  method: string,
  path: string,
  { body, token }: { body?: object | undefined; token?: string | undefined },
): Promise<Body> {
  const answer = await send(new URL(`/api/v1${path}`, baseUrl), {
    method,
    headers: {
      'idempotency-key': randomUUID(),
      ...(body && { 'content-type': 'application/json' }),
      ...(token && { authorization: `Bearer ${token}` }),
    },
    body: body ? JSON.stringify(body) : null,
  });
  const text = await answer.body.text();
  if (answer.statusCode >= 400) throw new Error(`${method} ${path} was answered ${answer.statusCode} ${text}`);
  return text === '' ? undefined : JSON.parse(text);
}

async function until<Seen>(what: string, look: () => Promise<Seen | undefined>): Promise<Seen> {
  const giveUpAt = Date.now() + PATIENCE_MS;
  for (;;) {
    const seen = await look();
    if (seen !== undefined) return seen;
    if (Date.now() > giveUpAt) throw new Error(`Waited ${PATIENCE_MS / 1000} s in vain: ${what}.`);
    await pause(50);
  }
}
