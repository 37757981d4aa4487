import { once } from 'node:events';
import { Agent, request as send, type IncomingMessage } from 'node:http';
import { performance } from 'node:perf_hooks';
import { aCustomer, type Customer } from '../journeys/shop/customer';
import { anAdmin } from '../journeys/shop/admin';
import { until } from '../journeys/shop/eventually';
import type { Product } from '../journeys/shop/product';
import { inAShopOfItsOwn } from '../journeys/shop/running-shop';
import { aVisitor } from '../journeys/shop/visitor';
import { RawClient } from './raw-client';

const MIB = 1 << 20;
const REQUEST_TIMEOUT_MS = 1_000;
// Who is answered later than this has been kept waiting by others.
const PROMPT_MS = 5_000;

inAShopOfItsOwn(
  'in a shop that waits a second for slow clients',
  { REQUEST_TIMEOUT_MS: String(REQUEST_TIMEOUT_MS) },
  (shop) => {
    const clients: RawClient[] = [];
    const client = async () => {
      const one = await RawClient.to(shop().baseUrl);
      clients.push(one);
      return one;
    };
    afterEach(() => clients.splice(0).forEach((one) => one.hangsUp()));

    /** What the shop says to this until it closes the connection. */
    async function heardOn(saying: string): Promise<string> {
      const one = await client();
      one.says(saying);
      return one.everything();
    }

    async function isPrompt(): Promise<void> {
      const beganAt = performance.now();
      await aVisitor(shop()).looksAt('/products?limit=1');
      expect(performance.now() - beganAt).toBeLessThan(PROMPT_MS);
    }

    describe('a body', () => {
      const json = (bytes: number) => `"${'x'.repeat(bytes - 2)}"`;

      test.each([
        ['as large as it may be', MIB, 400, 'validation-failed'],
        ['a byte larger', MIB + 1, 413, 'body-too-large'],
        ['sixteen times as large', 16 * MIB, 413, 'body-too-large'],
      ])('%s is answered', async (_, bytes, status, code) => {
        const answer = await aVisitor(shop()).calls('POST', '/users', { raw: json(bytes) });
        expect([answer.status, answer.body.code]).toEqual([status, code]);
      });

      test('of unannounced length is cut off where it is too large', async () => {
        const one = await client();
        one.says(
          'POST /api/v1/users HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n',
        );
        for (let sent = 0; sent < 3; sent++) one.says(`80000\r\n${'x'.repeat(0x80000)}\r\n`);
        await until('there is an answer', async () => /^HTTP\/1.1 413 /.test(one.answer));
      });

      test('that is announced as endless is refused at once', async () => {
        const one = await client();
        one.says(
          'POST /api/v1/users HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n',
        );
        await until('there is an answer', async () => /^HTTP\/1.1 413 /.test(one.answer));
      });
    });

    describe('headers and addresses', () => {
      test.each([
        ['a header too long', `GET / HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`],
        ['too many headers', `GET / HTTP/1.1\r\nHost: x\r\n${'X-One-More: x\r\n'.repeat(2_000)}\r\n`],
        ['a path too long', `GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`],
        ['a query too long', `GET /api/v1/products?q=${'x'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`],
        ['a first line without end', `GET /${'x'.repeat(100_000)}`],
      ])('%s is answered 431, and the connection closed', async (_, saying) => {
        expectProblem(await heardOn(saying), 431, 'headers-too-large');
      });

      test('a path that is long and yet fits is only not found', async () => {
        const answer = await aVisitor(shop()).calls('GET', `/${'x'.repeat(8_000)}`);
        expect([answer.status, answer.body.code]).toEqual([404, 'route-not-found']);
      });
    });

    describe('what is no HTTP', () => {
      const post = 'POST /api/v1/users HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';
      test.each([
        ['nonsense', 'hello?\r\n\r\n'],
        ['a TLS greeting', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
        ['another version', 'GET / HTTP/9.9\r\nHost: x\r\n\r\n'],
        ['an unknown method', 'BREW / HTTP/1.1\r\nHost: x\r\n\r\n'],
        ['no host', 'GET /health/live HTTP/1.1\r\n\r\n'],
        ['a header without a name', 'GET / HTTP/1.1\r\nHost: x\r\n: x\r\n\r\n'],
        ['a NUL in a header', 'GET / HTTP/1.1\r\nHost: x\r\nX-Nul: a\0b\r\n\r\n'],
        ['a space before the colon', 'GET / HTTP/1.1\r\nHost: x\r\nX-Space : x\r\n\r\n'],
        ['a folded header', 'GET / HTTP/1.1\r\nHost: x\r\nX-Folded: a\r\n b\r\n\r\n'],
        ['two lengths', `${post}Content-Length: 2\r\nContent-Length: 40\r\n\r\n{}`],
        ['a length and chunks', `${post}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
        ['a negative length', `${post}Content-Length: -1\r\n\r\n{}`],
        ['a length that is none', `${post}Content-Length: two\r\n\r\n{}`],
        ['a length with a sign', `${post}Content-Length: +2\r\n\r\n{}`],
        ['chunks that are something else in the end', `${post}Transfer-Encoding: chunked, identity\r\n\r\n{}`],
        ['chunks of no length', `${post}Transfer-Encoding: chunked\r\n\r\nxyz\r\n\r\n`],
      ])('%s is answered 400 once, and the connection closed', async (_, saying) => {
        const heard = await heardOn(`${saying}GET /health/live HTTP/1.1\r\nHost: smuggled\r\n\r\n`);
        expect(heard.match(/HTTP\/1\.1 /g)).toHaveLength(1);
        expectProblem(heard, 400, 'malformed-request');
      });

      test('a tunnel is not opened', async () => {
        expect(await heardOn('CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n')).not.toMatch(/ 200 /);
      });

      test('another protocol is not taken up', async () => {
        const one = await client();
        one.says('GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
        await until('there is an answer', async () => one.answer.includes('\r\n\r\n') || !one.isOpen);
        expect(one.answer).not.toMatch(/^HTTP\/1.1 101/);
      });
    });

    describe('slow clients', () => {
      const beginnings: [string, string, string][] = [
        ['nothing', '', ''],
        ['headers letter by letter', 'GET /health/live HTTP/1.1\r\nHost: x\r\nX-Slow: ', 'x'],
        ['headers line by line', 'GET /health/live HTTP/1.1\r\nHost: x\r\n', 'X-Slow: x\r\n'],
        [
          'a body letter by letter',
          'POST /api/v1/users HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n',
          ' ',
        ],
        [
          'chunks letter by letter',
          'POST /api/v1/users HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n',
          '1\r\n \r\n',
        ],
      ];

      test('that send next to nothing keep nobody waiting, and are let go', async () => {
        const crowds = await Promise.all(
          beginnings.map(async ([name, beginning, more]) => {
            const crowd = await Promise.all(Array.from({ length: 50 }, client));
            for (const one of crowd) if (beginning) one.says(beginning);
            return { name, more, crowd };
          }),
        );
        const drip = setInterval(() => {
          for (const { crowd, more } of crowds) for (const one of crowd) if (more && one.isOpen) one.says(more);
        }, 100);
        try {
          await isPrompt();
          for (const { name, crowd } of crowds) {
            await until(`who sends ${name} is gone`, async () => crowd.every((one) => !one.isOpen));
            expectProblem(crowd[0]!.answer, 408, 'request-timeout');
          }
        } finally {
          clearInterval(drip);
        }
      });

      test('that do not read their answers keep nobody waiting', async () => {
        const crowd = await Promise.all(Array.from({ length: 50 }, client));
        for (const one of crowd) {
          one.stopsListening();
          one.says('GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(5));
        }
        await isPrompt();
      });

      test('that only hold connections keep nobody waiting', async () => {
        await Promise.all(Array.from({ length: 500 }, client));
        await isPrompt();
      });
    });

    // The last story of this shop: it is closed in it.
    test('fifty who are being served when it closes get their answers, and then nobody is let in', async () => {
      const [admin, jane] = await Promise.all([anAdmin(shop()), aCustomer({ shop: shop() })]);
      const lantern = await admin.lists({ stock: 1_000_000 });
      await jane.orders({ items: [[lantern, 1]] });
      const crowd = new Crowd(shop().baseUrl, jane, lantern);
      const gone = Promise.all(Array.from({ length: 50 }, (_, number) => crowd.visits(number)));
      await until('the shop is busy', async () => crowd.served > 500);
      const beganAt = performance.now();
      expect(await shop().stop()).toBe(0);
      expect(performance.now() - beganAt).toBeLessThan(10_000);
      await gone;
      expect(crowd.troubles).toEqual([]);
      await shop().start();
    }, 60_000);
  },
);

/** People who go on asking on connections that they keep, until nobody lets them in any more. */
class Crowd {
  served = 0;
  readonly troubles: string[] = [];

  constructor(
    private readonly baseUrl: string,
    private readonly jane: Customer,
    private readonly lantern: Product,
  ) {}

  async visits(number: number): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (let turn = 0; ; turn++) {
      try {
        const status = number % 2 === 0 ? await this.looks(agent) : await this.orders(agent, `crowd-${number}-${turn}`);
        if (status >= 400) this.troubles.push(`answered ${status}`);
        this.served += 1;
      } catch (error) {
        const { syscall, code } = error as NodeJS.ErrnoException;
        if (syscall !== 'connect') this.troubles.push(`${code} in ${syscall}`);
        agent.destroy();
        return;
      }
    }
  }

  private looks(agent: Agent): Promise<number> {
    return this.ask(agent, 'GET', '/products?limit=1', {});
  }

  private orders(agent: Agent, key: string): Promise<number> {
    const body = { items: [{ productId: this.lantern.id, quantity: 1 }], payment: { token: 'tok_approved' } };
    return this.ask(agent, 'POST', '/orders', { 'idempotency-key': key, 'content-type': 'application/json' }, body);
  }

  private async ask(agent: Agent, method: string, path: string, headers: object, body?: object): Promise<number> {
    const authorization = `Bearer ${this.jane.tokens!.accessToken}`;
    const asking = send(`${this.baseUrl}/api/v1${path}`, { agent, method, headers: { ...headers, authorization } });
    asking.end(body && JSON.stringify(body));
    const [answer] = (await once(asking, 'response')) as [IncomingMessage];
    await answer.resume().toArray();
    return answer.statusCode!;
  }
}

function expectProblem(heard: string, status: number, code: string): void {
  const [head = '', text = ''] = heard.split('\r\n\r\n');
  expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(head).toMatch(/content-type: application\/problem\+json/i);
  expect(head).toMatch(/x-correlation-id: /i);
  expect(JSON.parse(text)).toMatchObject({ status, code });
}
