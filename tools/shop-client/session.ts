import { z } from 'zod';
import {
  order,
  pageOf,
  payment,
  product,
  tokens,
  type Money,
  type Order,
  type Page,
  type Payment,
  type Product,
  type Tokens,
} from './answers';
import type { Connection, ShopRequest } from './connection';
import { Refused, SignInRefused } from './errors';

export interface Credentials {
  email: string;
  password: string;
}

/** A token is renewed when it has less than this to live, so that none dies on the way. */
const RENEW_BEFORE_MS = 60_000;

/**
 * Somebody signed in, a customer or an admin, and what they may ask of the shop. The access token is renewed before it
 * ends; where the refresh token was spent by an answer that got lost, by signing in again.
 */
export class Session {
  private tokens: (Tokens & { renewAt: number }) | undefined;
  private renewal: Promise<string> | undefined;

  private constructor(
    private readonly connection: Connection,
    private readonly credentials: Credentials,
  ) {}

  /** Throws `SignInRefused` when e-mail and password do not fit. */
  static async open(connection: Connection, credentials: Credentials): Promise<Session> {
    const session = new Session(connection, credentials);
    await session.accessToken();
    return session;
  }

  /** Throws `Refused` with `sku-taken` where it is listed already; without a key, also by a request whose answer was lost. */
  listProduct(
    newcomer: { sku: string; name: string; price: Money; stock: number },
    idempotencyKey?: string,
  ): Promise<Product> {
    return this.ask({ method: 'POST', path: '/products', body: newcomer, idempotencyKey }, product);
  }

  async rename(name: string): Promise<void> {
    await this.ask({ method: 'PATCH', path: '/users/me', body: { name } }, z.object({}));
  }

  changeProduct(id: string, change: { name?: string; price?: Money }): Promise<Product> {
    return this.ask({ method: 'PATCH', path: `/products/${id}`, body: change }, product);
  }

  async adjustStock(
    productId: string,
    adjustment: { delta: number; reason: string; orderId?: string },
    idempotencyKey: string,
  ): Promise<void> {
    const path = `/products/${productId}/stock-adjustments`;
    await this.ask({ method: 'POST', path, body: adjustment, idempotencyKey }, z.object({}));
  }

  /** Waits a while for products that orders has not heard of yet; then throws `Refused` with `unknown-product`. */
  placeOrder(
    wish: { items: { productId: string; quantity: number }[]; payment: { token: string } },
    idempotencyKey: string,
  ): Promise<Order> {
    return this.ask(
      { method: 'POST', path: '/orders', body: wish, idempotencyKey, repeatOn: ['unknown-product'] },
      order,
    );
  }

  order(id: string): Promise<Order> {
    return this.ask({ method: 'GET', path: `/orders/${id}` }, order);
  }

  /** One page, newest first, of this customer's orders; for an admin of everybody's, or of the one named. */
  orders(query: { customerId?: string; limit: number; cursor?: string | undefined }): Promise<Page<Order>> {
    return this.ask({ method: 'GET', path: '/orders', query }, pageOf(order));
  }

  cancelOrder(id: string, reason: string, idempotencyKey: string): Promise<Order> {
    return this.ask({ method: 'POST', path: `/orders/${id}/cancellation`, body: { reason }, idempotencyKey }, order);
  }

  async paymentOf(orderId: string): Promise<Payment | undefined> {
    const { items } = await this.ask({ method: 'GET', path: '/payments', query: { orderId } }, pageOf(payment));
    return items[0];
  }

  async refund(paymentId: string, amount: Money, idempotencyKey: string): Promise<void> {
    const path = `/payments/${paymentId}/refunds`;
    await this.ask({ method: 'POST', path, body: { amount }, idempotencyKey }, z.object({}));
  }

  private async ask<Shape extends z.ZodType>(request: ShopRequest, shape: Shape): Promise<z.infer<Shape>> {
    const accessToken = await this.accessToken();
    try {
      return await this.connection.send({ ...request, accessToken }, shape);
    } catch (error) {
      if (!(error instanceof Refused && error.status === 401)) throw error;
      // The shop stopped trusting the token early, for example because its keys are new: once more with a fresh one.
      if (this.tokens?.accessToken === accessToken) this.tokens = undefined;
      return this.connection.send({ ...request, accessToken: await this.accessToken() }, shape);
    }
  }

  private async accessToken(): Promise<string> {
    if (this.tokens && Date.now() < this.tokens.renewAt) return this.tokens.accessToken;
    this.renewal ??= this.renew().finally(() => (this.renewal = undefined));
    return this.renewal;
  }

  private async renew(): Promise<string> {
    const askedAt = Date.now();
    const granted = await this.grant();
    // A shop may grant less than the margin; then half of what it grants.
    const livesMs = granted.expiresIn * 1000;
    this.tokens = { ...granted, renewAt: askedAt + Math.max(livesMs - RENEW_BEFORE_MS, livesMs / 2) };
    return granted.accessToken;
  }

  private async grant(): Promise<Tokens> {
    if (this.tokens) {
      try {
        const body = { refreshToken: this.tokens.refreshToken };
        return await this.connection.send({ method: 'POST', path: '/auth/token/refresh', body }, tokens);
      } catch (error) {
        if (!(error instanceof Refused && error.status === 401)) throw error;
      }
    }
    try {
      return await this.connection.send({ method: 'POST', path: '/auth/token', body: this.credentials }, tokens);
    } catch (error) {
      if (error instanceof Refused && error.status === 401) throw new SignInRefused(this.credentials.email);
      throw error;
    }
  }
}
