import { randomUUID } from 'node:crypto';
import { setTimeout as timePasses } from 'node:timers/promises';
import { Refused } from '../shop-client/errors';
import type { Credentials, Session } from '../shop-client/session';
import type { Shop } from '../shop-client/shop';
import type { Ledger } from './ledger';

const CURRENCY = 'GBP';
const BUYERS = 6;
const PRODUCTS = 5;
// So much that it never runs out: what is short of goods is no story of a move.
const STOCK = 1_000_000;
const LOOK_MS = 300;
const BUYER_EVERY_MS = 100;
const NEWCOMER_EVERY_MS = 2_000;
const SHOPKEEPER_EVERY_MS = 700;

/** Payment tokens, and how often of a hundred. */
const TOKENS = [
  { token: 'tok_approved', share: 80 },
  { token: 'tok_declined', share: 8 },
  { token: 'tok_slow', share: 6 },
  { token: 'tok_error', share: 6 },
] as const;

/**
 * People in the shop who go on with what they do until they are asked to leave: buyers who order, wait, cancel and are
 * refunded, newcomers who register and change their names, and a shopkeeper. What may be answered by an error that passes is
 * repeated as a careful client would: with the same idempotency key where the call takes one, and otherwise where doing it
 * twice comes to the same.
 */
export class Crowd {
  private readonly run = randomUUID().slice(0, 8);
  private readonly leaving = new AbortController();
  private work: Promise<void>[] = [];
  private counter = 0;

  constructor(
    private readonly shop: Shop,
    private readonly admin: Credentials,
    private readonly ledger: Ledger,
    private readonly chance: () => number,
  ) {}

  /** Resolves when everybody is in the shop. Throws what keeps them out. */
  async enter(): Promise<void> {
    const shopkeeper = await this.shop.signIn(this.admin);
    for (let count = 0; count < PRODUCTS; count += 1) await this.list(shopkeeper);
    if (this.ledger.products.size === 0) throw new Error(`Nothing could be listed: ${this.ledger.failed.join('; ')}`);
    const registered = await Promise.all(Array.from({ length: BUYERS }, () => this.register()));
    const buyers = registered.flatMap((buyer) => buyer?.session ?? []);
    if (buyers.length < BUYERS) throw new Error(`Not everybody was let in: ${this.ledger.failed.join('; ')}`);
    this.work = [
      ...buyers.map((buyer) => this.untilLeaving(() => this.buy(buyer, shopkeeper), BUYER_EVERY_MS)),
      this.untilLeaving(() => this.visit(), NEWCOMER_EVERY_MS),
      this.untilLeaving(() => this.keepShop(shopkeeper), SHOPKEEPER_EVERY_MS),
    ];
  }

  /** Resolves when everybody has the answer to what they had asked last. */
  async leave(): Promise<void> {
    this.leaving.abort();
    await Promise.all(this.work);
  }

  private async untilLeaving(act: () => Promise<void>, pauseMs: number): Promise<void> {
    const { signal } = this.leaving;
    while (!signal.aborted) {
      await act();
      await timePasses(pauseMs * (0.5 + this.chance()), undefined, { signal }).catch(() => undefined);
    }
  }

  private async buy(buyer: Session, shopkeeper: Session): Promise<void> {
    const placed = await this.order(buyer);
    if (!placed) return;
    const mind = this.chance();
    if (mind < 0.1) return this.cancel(buyer, placed.id);
    const status = await this.ended(buyer, placed.id);
    if (status !== 'confirmed') return;
    if (mind < 0.2) await this.cancel(buyer, placed.id);
    else if (mind < 0.35) await this.refund(shopkeeper, placed.id);
  }

  private async order(buyer: Session): Promise<{ id: string } | undefined> {
    const key = this.key();
    const token = this.token();
    const products = [...this.ledger.products.keys()];
    const first = Math.floor(this.chance() * products.length);
    const wanted = [products[first]!, products[(first + 1) % products.length]!].slice(0, 1 + Math.round(this.chance()));
    const items = wanted.map((productId) => ({ productId, quantity: 1 + Math.floor(this.chance() * 3) }));
    const placed = await this.ledger.ask('an order', () => buyer.placeOrder({ items, payment: { token } }, key));
    if (placed) this.ledger.orders.set(key, { id: placed.id, isPrompt: token === 'tok_approved' });
    return placed;
  }

  private async cancel(buyer: Session, orderId: string): Promise<void> {
    // A declined card may have been faster, and a confirmed order may have been cancelled by then.
    const isOver = (error: unknown) => error instanceof Refused && error.code === 'order-already-cancelled';
    const key = this.key();
    const request = () => buyer.cancelOrder(orderId, 'The drill changed its mind', key);
    if (await this.ledger.ask('a cancellation', request, isOver)) this.ledger.cancelled.add(orderId);
  }

  private async refund(shopkeeper: Session, orderId: string): Promise<void> {
    const payment = await this.ledger.ask('a look at a payment', () => shopkeeper.paymentOf(orderId));
    if (!payment) return;
    const key = this.key();
    const amount = 1 + Math.floor(this.chance() * 100);
    const request = async () => {
      await shopkeeper.refund(payment.id, { amount, currency: CURRENCY }, key);
      return true;
    };
    if (await this.ledger.ask('a refund', request)) this.ledger.refunds.set(payment.id, amount);
  }

  /** The order's end; undefined where it has none yet when everybody leaves. */
  private async ended(buyer: Session, orderId: string): Promise<string | undefined> {
    const { signal } = this.leaving;
    while (!signal.aborted) {
      await timePasses(LOOK_MS, undefined, { signal }).catch(() => undefined);
      const order = await this.ledger.ask('a look at an order', () => buyer.order(orderId));
      if (order && ['confirmed', 'cancelled'].includes(order.status)) return order.status;
    }
    return undefined;
  }

  private async visit(): Promise<void> {
    const newcomer = await this.register();
    if (!newcomer) return;
    const { session, email } = newcomer;
    await this.order(session);
    const name = `Newcomer ${this.key()}`;
    const request = async () => {
      await session.rename(name);
      return true;
    };
    if (await this.ledger.ask('a new name', request)) this.ledger.customers.set(email, name);
  }

  private async register(): Promise<{ session: Session; email: string } | undefined> {
    const key = this.key();
    const credentials = { email: `${key}@customers.example`, password: randomUUID() };
    const name = `Customer ${key}`;
    const session = await this.ledger.ask('a registration', () => this.shop.register(credentials, name));
    if (!session) return undefined;
    this.ledger.customers.set(credentials.email, name);
    return { session, email: credentials.email };
  }

  private async keepShop(shopkeeper: Session): Promise<void> {
    const products = [...this.ledger.products];
    const [id, listed] = products[Math.floor(this.chance() * products.length)]!;
    const what = this.chance();
    if (what < 0.1) return this.list(shopkeeper);
    if (what < 0.5) {
      const price = this.price();
      const request = () => shopkeeper.changeProduct(id, { price: { amount: price, currency: CURRENCY } });
      if (await this.ledger.ask('a new price', request)) listed.price = price;
      return;
    }
    const delta = 1 + Math.floor(this.chance() * 9);
    const key = this.key();
    const request = async () => {
      await shopkeeper.adjustStock(id, { delta, reason: 'The drill found some more' }, key);
      return true;
    };
    if (await this.ledger.ask('an adjustment of stock', request)) listed.adjusted += delta;
  }

  private async list(shopkeeper: Session): Promise<void> {
    const sku = this.key().toUpperCase();
    const price = this.price();
    const newcomer = { sku, name: `Tea ${sku}`, price: { amount: price, currency: CURRENCY }, stock: STOCK };
    const product = await this.ledger.ask('a new product', () => shopkeeper.listProduct(newcomer, sku));
    if (product) this.ledger.products.set(product.id, { price, adjusted: 0 });
  }

  private token(): string {
    let left = this.chance() * 100;
    return TOKENS.find(({ share }) => (left -= share) < 0)?.token ?? TOKENS[0].token;
  }

  private readonly price = () => 101 + Math.floor(this.chance() * 900);

  private key(): string {
    this.counter += 1;
    return `drill-${this.run}-${this.counter}`;
  }
}
