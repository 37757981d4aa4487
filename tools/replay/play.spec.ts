import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Shop } from '../shop-client/shop';
import { InvoiceBook } from './invoice-book';
import { beside, planReplay, type Plan } from './plan';
import { play, ShopDiffers } from './play';
import { expectedReport, reportOf, type Report } from './report';

interface Answer {
  status: number;
  body: unknown;
}
const ok = (body: unknown): Answer => ({ status: 200, body });
const refused = (status: number, code: string): Answer => ({ status, body: { code } });

interface Listed {
  id: string;
  sku: string;
  name: string;
  price: { amount: number; currency: string };
  stock: number;
}
interface Placed {
  id: string;
  customerId: string;
  status: string;
  cancelReason: string | null;
  items: { productId: string; quantity: number }[];
  total: { amount: number; currency: string };
  refunded: { amount: number; currency: string };
}

/** A shop in memory, as far as the replay needs one: what it does, it does at once, but it may lose its answers. */
class ShopInMemory {
  readonly products: Listed[] = [];
  readonly orders: Placed[] = [];
  readonly customers = new Map<string, string>();
  /** How many answers get through before one is lost; 0 loses none. */
  losesEvery = 0;
  private answered = 0;
  private readonly remembered = new Map<string, { request: string; answer: Answer }>();
  private readonly server = createServer((request, response) => void this.serve(request, response));

  async open(): Promise<string> {
    await new Promise<void>((listening) => this.server.listen(0, '127.0.0.1', listening));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  close(): Promise<unknown> {
    this.server.closeAllConnections();
    return new Promise((closed) => this.server.close(closed));
  }

  forgetKeysOf(caller: string): void {
    for (const place of this.remembered.keys()) if (place.startsWith(`${caller} `)) this.remembered.delete(place);
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const answer = this.once(request, text);
    this.answered++;
    if (this.losesEvery > 0 && this.answered % this.losesEvery === 0) return void request.socket.destroy();
    response.writeHead(answer.status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer.body));
  }

  private once({ method, url, headers }: IncomingMessage, text: string): Answer {
    const caller = headers.authorization?.slice('Bearer '.length) ?? '';
    const { pathname, searchParams } = new URL(url!, 'http://shop');
    const act = () =>
      this.answer(`${method} ${pathname.replace('/api/v1', '')}`, text ? JSON.parse(text) : {}, searchParams, caller);
    const key = headers['idempotency-key'];
    if (key === undefined) return act();
    const place = `${caller} ${String(key)}`;
    const earlier = this.remembered.get(place);
    if (!earlier) {
      const answer = act();
      if (answer.status < 400)
        this.remembered.set(place, { request: pathname + text, answer: structuredClone(answer) });
      return answer;
    }
    return earlier.request === pathname + text ? earlier.answer : refused(422, 'idempotency-key-reused');
  }

  private answer(call: string, body: any, query: URLSearchParams, caller: string): Answer {
    const [, id = ''] = /\/(?:products|payments)\/([^/]+)/.exec(call) ?? [];
    switch (call.replace(id || '-', 'ID')) {
      case 'POST /users':
        if (this.customers.has(body.email)) return refused(409, 'email-taken');
        this.customers.set(body.email, body.password);
        return ok({});
      case 'POST /auth/token':
        if (body.email !== 'admin' && this.customers.get(body.email) !== body.password) return refused(401, 'invalid');
        return ok({ accessToken: body.email, expiresIn: 600, refreshToken: 'r' });
      case 'POST /products':
        if (this.products.some(({ sku }) => sku === body.sku)) return refused(409, 'sku-taken');
        this.products.push({ ...body, id: `p${this.products.length}` });
        return ok(this.products.at(-1));
      case 'GET /products':
        return ok({ items: this.products.filter(({ sku }) => sku.includes(query.get('q')!)), nextCursor: null });
      case 'PATCH /products/ID':
        return ok(Object.assign(this.product(id), body));
      case 'POST /products/ID/stock-adjustments':
        this.product(id).stock += body.delta;
        return ok({});
      case 'POST /orders':
        return ok(this.place(body.items, caller));
      case 'GET /orders':
        return ok({
          items: this.orders.filter(({ customerId }) => customerId === query.get('customerId')).reverse(),
          nextCursor: null,
        });
      case 'GET /payments': {
        const { total, refunded } = this.orders.find((order) => order.id === query.get('orderId'))!;
        const payment = { id: query.get('orderId'), orderId: query.get('orderId'), amount: total, refunded };
        return ok({ items: [{ ...payment, status: 'captured' }], nextCursor: null });
      }
      case 'POST /payments/ID/refunds':
        this.orders.find((order) => order.id === id)!.refunded.amount += body.amount.amount;
        return ok({});
      default:
        return refused(404, 'not-found');
    }
  }

  private place(items: Placed['items'], customerId: string): Placed {
    const enough = items.every(({ productId, quantity }) => this.product(productId).stock >= quantity);
    if (enough) for (const { productId, quantity } of items) this.product(productId).stock -= quantity;
    const amount = items.reduce((sum, item) => sum + item.quantity * this.product(item.productId).price.amount, 0);
    const order: Placed = {
      id: `o${this.orders.length}`,
      customerId,
      status: enough ? 'confirmed' : 'cancelled',
      cancelReason: enough ? null : 'out-of-stock',
      items,
      total: { amount, currency: 'GBP' },
      refunded: { amount: 0, currency: 'GBP' },
    };
    this.orders.push(order);
    return order;
  }

  private product(id: string): Listed {
    return this.products.find((product) => product.id === id)!;
  }
}

const LANTERN = '71053';
const HANGER = '84406B';
const monday = [
  ['1', LANTERN, '6', '3.39', '17850'],
  ['1', HANGER, '8', '2.75', '17850'],
  ['2', LANTERN, '2', '3.39', ''],
  ['C3', LANTERN, '-1', '3.39', '17850'],
  ['C3', HANGER, '-2', '2.75', '17850'],
] as const;
const tuesday = [
  ['4', LANTERN, '8', '3.39', '13047'],
  ['C5', LANTERN, '-3', '3.39', '17850'],
  ['C6', HANGER, '-1', '2.75', '99999'],
] as const;

function planOf(...lines: readonly (readonly [string, string, string, string, string])[]): Plan {
  const book = new InvoiceBook();
  for (const [invoiceNumber, stockCode, quantity, unitPrice, customer] of lines) {
    book.enter({ invoiceNumber, stockCode, quantity, unitPrice, customer, description: `NAME OF ${stockCode}` });
  }
  return planReplay(book);
}

const pause = () => Promise.resolve();
const silent = { begin() {}, advance() {}, end() {}, trouble() {} };

describe('invoices that are played', () => {
  let inMemory: ShopInMemory;
  let shop: Shop;
  beforeEach(async () => {
    inMemory = new ShopInMemory();
    shop = new Shop(await inMemory.open(), { clock: { now: () => 0, pause } });
  });
  afterEach(async () => {
    await shop.close();
    await inMemory.close();
  });

  async function played(plan: Plan): Promise<Report> {
    const admin = await shop.signIn({ email: 'admin', password: '' });
    return reportOf(plan, await play(plan, shop, admin, { concurrency: 3, progress: silent, pause }));
  }
  const shelf = () => Object.fromEntries(inMemory.products.map(({ sku, stock }) => [sku, stock]));
  const refunds = () => inMemory.orders.map(({ refunded }) => refunded.amount);

  it('come to the report that they promise, and to nothing else in the shop', async () => {
    const plan = planOf(...monday);
    expect(await played(plan)).toEqual(expectedReport(plan));
    expect(inMemory.orders).toHaveLength(2);
    expect([...inMemory.customers.keys()]).toEqual([
      'customer-17850@replay.banyan.example',
      'customer-walk-in@replay.banyan.example',
    ]);
    expect(shelf()).toEqual({ [LANTERN]: 1, [HANGER]: 2 });
    expect(refunds().sort()).toEqual([0, 339 + 2 * 275]);
  });

  it('add up what many customers bring back at the same time', async () => {
    const plan = planOf(
      ...['A', 'B', 'C', 'D'].flatMap((customer, number) => [
        [`1${number}`, LANTERN, '2', '3.39', customer] as const,
        [`C2${number}`, LANTERN, '-1', '3.39', customer] as const,
      ]),
    );
    expect((await played(plan)).refunds).toEqual({ amount: 4 * 339, currency: 'GBP' });
  });

  it('do nothing twice when they are played again', async () => {
    const plan = planOf(...monday, ...tuesday);
    const first = await played(plan);
    const before = structuredClone([inMemory.orders, shelf()]);
    expect(await played(plan)).toEqual(first);
    expect([inMemory.orders, shelf()]).toEqual(before);
  });

  it.each([2, 3, 4, 5, 7])('do nothing twice when every answer number %i is lost', async (losesEvery) => {
    inMemory.losesEvery = losesEvery;
    const plan = planOf(...monday, ...tuesday);
    expect(await played(plan)).toEqual(expectedReport(plan));
    expect(inMemory.orders).toHaveLength(3);
    expect(shelf()).toEqual({ [LANTERN]: 4, [HANGER]: 2 });
    expect(refunds().sort()).toEqual([0, 0, 4 * 339 + 2 * 275]);
  });

  it('refund and restock nothing twice even where the shop has forgotten the keys of all but the orders', async () => {
    const plan = planOf(...monday);
    const first = await played(plan);
    const before = structuredClone(inMemory.orders);
    inMemory.forgetKeysOf('admin');
    expect(await played(plan)).toEqual(first);
    expect(inMemory.orders).toEqual(before);
    // What was supplied for the orders is supplied once more; what came back is not.
    expect(shelf()).toEqual({ [LANTERN]: 1 + 8, [HANGER]: 2 + 8 });
  });

  it('may be a part of the next ones, and others of as many pieces have stock of their own', async () => {
    await played(planOf(...monday));
    const all = planOf(...monday, ...tuesday);
    expect(await played(all)).toEqual(expectedReport(all));
    const alone = planOf(['7', LANTERN, '16', '3.39', '13047']);
    expect(await played(alone)).toEqual(expectedReport(alone));
    const likewise = planOf(['8', LANTERN, '16', '3.39', '13047']);
    expect(await played(likewise)).toEqual(expectedReport(likewise));
  });

  it('come to the same beside an earlier run, which stays as it was', async () => {
    const plan = planOf(...monday);
    const first = await played(plan);
    const before = structuredClone([inMemory.orders, shelf()]);
    expect(await played(beside(plan, 'again'))).toEqual(first);
    expect(inMemory.orders).toHaveLength(4);
    expect([inMemory.orders.slice(0, 2), { ...shelf(), ...before[1] }]).toEqual([before[0], shelf()]);
    expect(shelf()).toMatchObject({ [`again-${LANTERN}`]: 1, [`again-${HANGER}`]: 2 });
  });

  it('change the price and name that a product has in the shop', async () => {
    inMemory.products.push({
      id: 'old',
      sku: LANTERN,
      name: 'Lantern',
      price: { amount: 1, currency: 'GBP' },
      stock: 0,
    });
    const plan = planOf(...monday);
    expect(await played(plan)).toEqual(expectedReport(plan));
    expect(inMemory.products[0]).toMatchObject({ name: `NAME OF ${LANTERN}`, price: { amount: 339 } });
  });

  it('are refused where an invoice was placed at other prices before', async () => {
    await played(planOf(['1', LANTERN, '1', '3.00', '17850']));
    const replaying = played(planOf(['0', LANTERN, '1', '2.00', '17850'], ['1', LANTERN, '1', '3.00', '17850']));
    await expect(replaying).rejects.toThrow(ShopDiffers);
    await expect(replaying).rejects.toThrow('Invoice 1 became order o0 over £3.00 instead of £2.00');
  });

  it('are reported as the shop ended them', async () => {
    const plan = planOf(...monday);
    const first = await played(plan);
    inMemory.orders.find(({ customerId }) => customerId.includes('17850'))!.status = 'cancelled';
    expect(await played(plan)).toEqual({
      ...first,
      orders: { placed: 2, confirmed: 1, cancelled: 1 },
      revenue: { amount: 678, currency: 'GBP' },
      refunds: { amount: 0, currency: 'GBP' },
    });
  });
});
