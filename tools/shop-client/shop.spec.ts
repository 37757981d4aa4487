import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Refused, ShopUnreachable, SignInRefused, UnexpectedAnswer } from './errors';
import { Shop } from './shop';

type Scripted = { status: number; body?: unknown; headers?: Record<string, string> } | 'cut';
interface Heard {
  call: string;
  body: unknown;
  headers: IncomingMessage['headers'];
}

const token = (name: string, expiresIn = 600) => ({
  status: 200,
  body: { accessToken: name, expiresIn, refreshToken: `refresh ${name}` },
});
const problem = (status: number, code: string, headers = {}) => ({
  status,
  body: { code, detail: 'as told' },
  headers,
});
const order = {
  id: 'o1',
  customerId: 'c1',
  status: 'pending',
  cancelReason: null,
  total: { amount: 5, currency: 'GBP' },
};
const ordered = { status: 201, body: order };

/** A shop that gives the answers it was told to, each call's in turn, the last one for ever. */
class FakeShop {
  readonly heard: Heard[] = [];
  readonly pauses: number[] = [];
  readonly troubles: (string | null)[] = [];
  private now = 0;
  private readonly server: Server;

  constructor(private readonly script: Record<string, Scripted[]>) {
    this.server = createServer((request, response) => void this.answer(request, response));
  }

  async open(): Promise<string> {
    await new Promise<void>((listening) => this.server.listen(0, '127.0.0.1', listening));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  close(): Promise<unknown> {
    this.server.closeAllConnections();
    return new Promise((closed) => this.server.close(closed));
  }

  /** Pauses are counted instead of waited for. */
  readonly clock = {
    now: () => this.now,
    pause: (ms: number) => {
      this.pauses.push(ms);
      this.now += ms;
      return Promise.resolve();
    },
  };

  calls(): string[] {
    return this.heard.map(({ call }) => call);
  }

  private async answer(request: IncomingMessage, response: import('node:http').ServerResponse): Promise<void> {
    const call = `${request.method} ${request.url?.replace('/api/v1', '')}`;
    let text = '';
    for await (const chunk of request) text += String(chunk);
    this.heard.push({ call, body: text && JSON.parse(text), headers: request.headers });
    const answers = this.script[call] ?? [problem(404, 'not-found')];
    const answer = answers.length > 1 ? answers.shift()! : answers[0]!;
    if (answer === 'cut') return void request.socket.destroy();
    response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers });
    response.end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body ?? {}));
  }
}

describe('the shop client', () => {
  const opened: { close(): Promise<unknown> }[] = [];
  afterEach(async () => {
    for (const open of opened.splice(0).reverse()) await open.close();
  });

  async function setup(script: Record<string, Scripted[]>) {
    const fake = new FakeShop({ 'POST /auth/token': [token('first')], ...script });
    opened.push(fake);
    const onTrouble = (reason: string | null) => fake.troubles.push(reason);
    const shop = new Shop(await fake.open(), {
      clock: fake.clock,
      onTrouble,
      patienceMs: 60_000,
      firstPatienceMs: 10_000,
    });
    opened.push(shop);
    return { fake, shop, signIn: () => shop.signIn({ email: 'ada@banyan.example', password: 'a long password' }) };
  }
  const place = { items: [{ productId: 'p1', quantity: 1 }], payment: { token: 'tok_approved' } };

  it.each<[string, Scripted]>([
    ['the connection is cut', 'cut'],
    ['the shop is busy', problem(503, 'unavailable')],
    ['a gateway finds nobody', { status: 502, body: '<html>' }],
    ['a gateway waits in vain', { status: 504 }],
    ['the first request with the key is still in progress', problem(409, 'request-in-progress')],
    ['the product was listed a moment ago', problem(422, 'unknown-product')],
  ])('repeats an order with its key when %s', async (_, hindrance) => {
    const { fake, signIn } = await setup({ 'POST /orders': [hindrance, hindrance, ordered] });
    const session = await signIn();
    expect(await session.placeOrder(place, '536365')).toEqual(order);
    const orders = fake.heard.filter(({ call }) => call === 'POST /orders');
    expect(orders.map(({ headers }) => headers['idempotency-key'])).toEqual(['536365', '536365', '536365']);
    expect(orders.map(({ body }) => body)).toEqual([place, place, place]);
    expect(fake.troubles.at(-1)).toBeNull();
  });

  it('waits as long as the shop asks it to', async () => {
    const tooMany = problem(429, 'too-many-requests', { 'retry-after': '7' });
    const { fake, signIn } = await setup({ 'POST /orders': [tooMany, ordered] });
    await (await signIn()).placeOrder(place, '1');
    expect(fake.pauses).toEqual([7_000]);
  });

  it('waits longer and longer, and gives up in one line when patience has run out', async () => {
    const { fake, signIn } = await setup({ 'POST /orders': [problem(503, 'unavailable')] });
    const placing = (await signIn()).placeOrder(place, '1');
    await expect(placing).rejects.toThrow(ShopUnreachable);
    await expect(placing).rejects.toThrow(/^The shop at \S+ did not answer for 60 s \(503 unavailable\).*$/);
    expect(fake.pauses[0]).toBeLessThanOrEqual(100);
    expect(Math.max(...fake.pauses)).toBeLessThanOrEqual(5_000);
    expect(fake.pauses.reduce((sum, ms) => sum + ms)).toBeCloseTo(60_000);
  });

  it('is less patient with a shop that never answered', async () => {
    const { fake, signIn } = await setup({ 'POST /auth/token': ['cut'] });
    await expect(signIn()).rejects.toThrow('did not answer for 10 s');
    expect(fake.troubles).not.toContain(null);
  });

  it('gives up on a product that stays unknown long before it gives up on the shop', async () => {
    const { fake, signIn } = await setup({ 'POST /orders': [problem(422, 'unknown-product')] });
    await expect((await signIn()).placeOrder(place, '1')).rejects.toMatchObject({ code: 'unknown-product' });
    expect(fake.pauses.reduce((sum, ms) => sum + ms)).toBeLessThan(30_000);
  });

  it.each([
    [400, 'validation-failed'],
    [409, 'sku-taken'],
    [422, 'idempotency-key-reused'],
    [500, 'internal-error'],
  ])('takes %i %s for an answer', async (status, code) => {
    const { fake, signIn } = await setup({ 'POST /orders': [problem(status, code)] });
    const placing = (await signIn()).placeOrder(place, '1');
    await expect(placing).rejects.toThrow(Refused);
    await expect(placing).rejects.toThrow(`POST /orders was refused with ${status} ${code}: as told`);
    expect(fake.pauses).toEqual([]);
  });

  it.each<[string, Scripted]>([
    ['no JSON', { status: 200, body: '<html>' }],
    ['something else', { status: 200, body: { id: 1 } }],
  ])('says so when it is answered with %s', async (_, answer) => {
    const { signIn } = await setup({ 'POST /orders': [answer] });
    await expect((await signIn()).placeOrder(place, '1')).rejects.toThrow(UnexpectedAnswer);
  });

  describe('signed in', () => {
    it('says whose password is wrong', async () => {
      const { signIn } = await setup({ 'POST /auth/token': [problem(401, 'invalid-credentials')] });
      await expect(signIn()).rejects.toThrow(new SignInRefused('ada@banyan.example'));
    });

    it('renews its token before that ends, once for all who wait for it', async () => {
      const { fake, signIn } = await setup({
        'POST /auth/token': [token('first', 0)],
        'POST /auth/token/refresh': [token('second')],
        'GET /orders/o1': [{ status: 200, body: order }],
      });
      const session = await signIn();
      await Promise.all([session.order('o1'), session.order('o1'), session.order('o1')]);
      expect(fake.calls().filter((call) => call === 'POST /auth/token/refresh')).toHaveLength(1);
      expect(fake.heard.find(({ call }) => call.endsWith('/refresh'))?.body).toEqual({ refreshToken: 'refresh first' });
      expect(fake.heard.at(-1)?.headers.authorization).toBe('Bearer second');
    });

    it('signs in again when the refresh token is spent', async () => {
      const { fake, signIn } = await setup({
        'POST /auth/token': [token('first', 0), token('again')],
        'POST /auth/token/refresh': [problem(401, 'invalid-credentials')],
        'GET /orders/o1': [{ status: 200, body: order }],
      });
      await (await signIn()).order('o1');
      expect(fake.heard.at(-1)?.headers.authorization).toBe('Bearer again');
    });

    it('tries once more with a new token when the shop refuses the old one', async () => {
      const { fake, signIn } = await setup({
        'POST /auth/token': [token('first'), token('second')],
        'GET /orders/o1': [problem(401, 'unauthenticated'), { status: 200, body: order }],
      });
      expect(await (await signIn()).order('o1')).toEqual(order);
      expect(fake.heard.at(-1)?.headers.authorization).toBe('Bearer second');
    });
  });

  it('signs in who is registered already, for example by a request whose answer was lost', async () => {
    const { fake, shop } = await setup({ 'POST /users': ['cut', problem(409, 'email-taken')] });
    await shop.register({ email: 'ada@banyan.example', password: 'a long password' }, 'Ada');
    expect(fake.calls()).toEqual(['POST /users', 'POST /users', 'POST /auth/token']);
  });

  it('finds a product by its exact sku among all that have it in their name', async () => {
    const item = (sku: string) => ({ id: sku, sku, name: 'lantern', price: { amount: 1, currency: 'GBP' } });
    const list = (skus: string[], nextCursor: string | null) => ({
      status: 200,
      body: { items: skus.map(item), nextCursor },
    });
    const { shop } = await setup({
      'GET /products?q=71053&limit=100': [list(['71053A'], 'more')],
      'GET /products?q=71053&limit=100&cursor=more': [list(['71053'], null)],
      'GET /products?q=71054&limit=100': [list(['71054B'], null)],
    });
    expect(await shop.findProduct('71053')).toMatchObject({ id: '71053' });
    expect(await shop.findProduct('71054')).toBeUndefined();
  });
});
