import { Door, type Answer, type Call } from './door';
import { theShop, type Shop } from './shop';

export interface Tokens {
  accessToken: string;
  refreshToken: string;
}

/** The shop was expected to do something, and refused. */
export class Refused extends Error {
  constructor(
    method: string,
    path: string,
    readonly answer: Answer,
  ) {
    super(`${method} ${path} was answered ${answer.status} ${answer.text}`);
  }
}

/** Somebody at the shop's door, signed in or not. */
export class Visitor {
  protected readonly door: Door;

  constructor(
    readonly shop: Shop,
    public tokens?: Tokens,
  ) {
    this.door = new Door(shop);
  }

  /** Any call, with the visitor's token if there is one, and whatever comes of it. */
  calls(method: string, path: string, call: Call = {}): Promise<Answer> {
    return this.door.call(method, path, { token: this.tokens?.accessToken, ...call });
  }

  /** A call that must be answered with this status; answers its body. */
  async asks(status: number, method: string, path: string, call: Call = {}): Promise<any> {
    const answer = await this.calls(method, path, call);
    if (answer.status !== status) throw new Refused(method, path, answer);
    return answer.body;
  }

  looksAt(path: string): Promise<any> {
    return this.asks(200, 'GET', path);
  }

  /** Everything that a list has, page by page. @param path with its query, without cursor */
  async reads(path: string): Promise<{ pages: any[][]; items: any[] }> {
    const pages: any[][] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const separator = path.includes('?') ? '&' : '?';
      const page: any = await this.looksAt(cursor === '' ? path : `${path}${separator}cursor=${cursor}`);
      pages.push(page.items);
      cursor = page.nextCursor;
    }
    return { pages, items: pages.flat() };
  }

  async signsIn(email: string, password: string): Promise<void> {
    this.tokens = await this.asks(200, 'POST', '/auth/token', { body: { email, password }, token: undefined });
  }
}

/** Somebody whom the shop does not know. */
export function aVisitor(shop: Shop = theShop()): Visitor {
  return new Visitor(shop);
}
