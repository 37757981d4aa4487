import { z } from 'zod';
import { pageOf, product, type Product } from './answers';
import { Connection, type ConnectionOptions } from './connection';
import { Refused } from './errors';
import { Session, type Credentials } from './session';

/** A shop, through its public HTTP API alone. */
export class Shop {
  private readonly connection: Connection;

  /** @param baseUrl for example `http://127.0.0.1:3000` */
  constructor(baseUrl: string, options?: ConnectionOptions) {
    this.connection = new Connection(baseUrl, options);
  }

  /** Throws `SignInRefused` when e-mail and password do not fit, `ShopUnreachable` when nobody answers. */
  signIn(credentials: Credentials): Promise<Session> {
    return Session.open(this.connection, credentials);
  }

  /** Registers somebody, or signs in who is registered already. Throws `SignInRefused` if that is somebody else. */
  async register(credentials: Credentials, name: string): Promise<Session> {
    try {
      const body = { ...credentials, name };
      await this.connection.send({ method: 'POST', path: '/users', body }, z.object({}));
    } catch (error) {
      if (!(error instanceof Refused && error.code === 'email-taken')) throw error;
    }
    return this.signIn(credentials);
  }

  async findProduct(sku: string): Promise<Product | undefined> {
    let cursor: string | null | undefined;
    do {
      const query = { q: sku, limit: 100, cursor: cursor ?? undefined };
      const page = await this.connection.send({ method: 'GET', path: '/products', query }, pageOf(product));
      const found = page.items.find((item) => item.sku === sku);
      if (found) return found;
      cursor = page.nextCursor;
    } while (cursor);
    return undefined;
  }

  close(): Promise<void> {
    return this.connection.close();
  }
}
