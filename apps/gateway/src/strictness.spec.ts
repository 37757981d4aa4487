import { FakeApp } from '../test/fake-app';
import { closeGateways, openGateway, topologyOf, until, type OpenGateway } from '../test/open-gateway';
import { Raw } from '../test/raw';

describe('what the gateway takes from the world', () => {
  let app: FakeApp;
  let gateway: OpenGateway;
  const clients: Raw[] = [];

  beforeAll(async () => {
    app = await FakeApp.start('users');
    app.answer = (request, response) => void request.resume().on('end', () => response.end('ok'));
    gateway = await openGateway(topologyOf([app]), { REQUEST_TIMEOUT_MS: '400' });
  });
  afterEach(() => {
    clients.splice(0).forEach((one) => one.hangsUp());
    app.asked.splice(0);
  });
  afterAll(async () => {
    await closeGateways();
    await app.kill();
  });

  async function client(): Promise<Raw> {
    const one = await Raw.to(gateway.port);
    clients.push(one);
    return one;
  }

  /** What is said to this until the connection is closed. */
  async function heardOn(saying: string): Promise<string> {
    const one = await client();
    one.says(saying);
    return one.everything();
  }

  const get = 'GET /api/v1/users HTTP/1.1\r\n';
  const post = 'POST /api/v1/users HTTP/1.1\r\nHost: x\r\n';
  const smuggled = 'GET /api/v1/users/smuggled HTTP/1.1\r\nHost: smuggled\r\n\r\n';

  it.each([
    ['nonsense', 'hello?\r\n\r\n'],
    ['a TLS greeting', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
    ['another version', 'GET /api/v1/users HTTP/9.9\r\nHost: x\r\n\r\n'],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['an unknown method', 'BREW /api/v1/users HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['no host', `${get}\r\n`],
    ['two hosts', `${get}Host: a\r\nHost: b\r\n\r\n`],
    ['a header without a name', `${get}Host: x\r\n: x\r\n\r\n`],
    ['a header without a colon', `${get}Host: x\r\nnothing\r\n\r\n`],
    ['a NUL in a header', `${get}Host: x\r\nX-Nul: a\0b\r\n\r\n`],
    ['a space before the colon', `${get}Host: x\r\nX-Space : x\r\n\r\n`],
    ['a space before the length’s colon', `${post}Content-Length : 2\r\n\r\n{}`],
    ['a folded header', `${get}Host: x\r\nX-Folded: a\r\n b\r\n\r\n`],
    ['a folded first header', `${get} X-Folded: a\r\nHost: x\r\n\r\n`],
    ['a folded encoding', `${post}Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n`],
    ['a request line that ends without CR', 'GET /api/v1/users HTTP/1.1\nHost: x\r\n\r\n'],
    ['a header that ends without CR', `${get}Host: x\nX-A: 1\r\n\r\n`],
    ['headers that end without CR', `${get}Host: x\r\n\n`],
    ['a CR of its own in a header', `${get}Host: x\r\nX-A: 1\rX-B: 2\r\n\r\n`],
    ['a length and chunks', `${post}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    ['chunks and a length', `${post}Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n`],
    ['two lengths', `${post}Content-Length: 2\r\nContent-Length: 40\r\n\r\n{}`],
    ['the same length twice', `${post}Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}`],
    ['a list of lengths', `${post}Content-Length: 2, 2\r\n\r\n{}`],
    ['a negative length', `${post}Content-Length: -1\r\n\r\n{}`],
    ['a length with a sign', `${post}Content-Length: +2\r\n\r\n{}`],
    ['a length in hexadecimal', `${post}Content-Length: 0x2\r\n\r\n{}`],
    ['a length beyond all numbers', `${post}Content-Length: 99999999999999999999999\r\n\r\n{}`],
    ['chunks that are something else in the end', `${post}Transfer-Encoding: chunked, identity\r\n\r\n{}`],
    ['an unknown encoding', `${post}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`],
    ['an encoding twice', `${post}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n`],
    ['chunks of no length', `${post}Transfer-Encoding: chunked\r\n\r\nxyz\r\n\r\n`],
    ['a chunk whose size ends without CR', `${post}Transfer-Encoding: chunked\r\n\r\n2\n{}\r\n0\r\n\r\n`],
    ['a chunk that is longer than it says', `${post}Transfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n`],
    ['a tunnel', 'CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n'],
  ])('is not %s: answered 400 once, and the connection closed', async (_, saying) => {
    const heard = await heardOn(saying + smuggled);
    expect(heard.match(/HTTP\/1\.1 \d{3} /g)).toHaveLength(1);
    expectProblem(heard, 400, 'malformed-request');
    expect(app.asked.filter(({ url }) => url.includes('smuggled'))).toEqual([]);
  });

  it.each([
    ['a header', `${get}Host: x\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`],
    ['headers', `${get}Host: x\r\n${'X-One-More: x\r\n'.repeat(2_000)}\r\n`],
    ['a path', `GET /api/v1/users/${'x'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`],
    ['a first line without end', `GET /${'x'.repeat(100_000)}`],
  ])('is not too large %s: answered 431, and the connection closed', async (_, saying) => {
    expectProblem(await heardOn(saying), 431, 'headers-too-large');
    expect(app.asked).toEqual([]);
  });

  it('is every header, however many there are', async () => {
    const many = Array.from({ length: 2_200 }, (_, number) => `a:${number % 10}\r\n`).join('');
    await heardOn(`${get}Host: x\r\nConnection: close\r\n${many}X-Last: yes\r\n\r\n`);
    expect(app.asked[0]?.rawHeaders).toEqual(expect.arrayContaining(['X-Last', 'yes']));
  });

  it('is no other protocol: the request is answered as if nobody had asked for one', async () => {
    const heard = await heardOn(`${get}Host: x\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n`);
    expect(heard).toMatch(/^HTTP\/1.1 200 /);
    expect(app.asked[0]?.headers).not.toHaveProperty('upgrade');
  });

  it.each([
    ['nothing', '', ''],
    ['headers letter by letter', `${get}Host: x\r\nX-Slow: `, 'x'],
    ['headers line by line', `${get}Host: x\r\n`, 'X-Slow: x\r\n'],
    ['a short body letter by letter', `${post}Content-Length: 1000\r\n\r\n`, 'x'],
    ['a long body letter by letter', `${post}Content-Length: 100000\r\n\r\n`, 'x'],
    ['chunks letter by letter', `${post}Transfer-Encoding: chunked\r\n\r\n`, '1\r\nx\r\n'],
  ])('is not %s for ever: answered 408, and the connection closed', async (_, beginning, more) => {
    const one = await client();
    if (beginning) one.says(beginning);
    const drip = setInterval(() => more && one.isOpen && one.says(more), 50);
    const heard = await one.everything();
    clearInterval(drip);
    expectProblem(heard, 408, 'request-timeout');
  });

  it('is several requests at once, answered in their order', async () => {
    app.answer = (request, response) => void response.end(request.url);
    const one = await client();
    one.says([1, 2, 3].map((turn) => `GET /api/v1/users/${turn} HTTP/1.1\r\nHost: x\r\n\r\n`).join(''));
    await until(() => one.heard.endsWith('/api/v1/users/3'));
    expect(one.heard.match(/\/api\/v1\/users\/\d/g)).toEqual(['/api/v1/users/1', '/api/v1/users/2', '/api/v1/users/3']);
  });

  it('is HTTP/1.0, which gets no chunks and no second answer', async () => {
    app.answer = (_request, response) => {
      response.write('in ');
      response.end('pieces');
    };
    const heard = await heardOn('GET /api/v1/users HTTP/1.0\r\n\r\n');
    expect(heard).toMatch(/^HTTP\/1.1 200 /);
    expect(heard).not.toMatch(/transfer-encoding/i);
    expect(heard).toMatch(/\r\n\r\nin pieces$/);
  });

  it('is nothing that would be read as part of an answer that has begun', async () => {
    app.answer = (_request, response) => void response.writeHead(200, { 'content-length': '100' }).write('begun');
    const one = await client();
    one.says(`${get}Host: x\r\n\r\n`);
    await until(() => one.heard.includes('begun'));
    one.says('nonsense\r\n\r\n');
    expect((await one.everything()).match(/HTTP\/1\.1 /g)).toHaveLength(1);
  });
});

function expectProblem(heard: string, status: number, code: string): void {
  const [head = '', text = ''] = heard.split('\r\n\r\n');
  expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(head).toMatch(/content-type: application\/problem\+json/i);
  expect(head).toMatch(/x-correlation-id: /i);
  expect(JSON.parse(text)).toMatchObject({ status, code });
}
