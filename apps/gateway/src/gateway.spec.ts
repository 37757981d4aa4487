import { renameSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { formatTopology, TopologyInvalid } from '@banyan/topology';
import { FakeApp, bodyOf } from '../test/fake-app';
import { closeGateways, openGateway, topologyOf, until, type OpenGateway } from '../test/open-gateway';
import { Raw, rawServer } from '../test/raw';

const apps: FakeApp[] = [];
const ends: (() => unknown)[] = [];

async function anApp(name: string, modules?: string[]): Promise<FakeApp> {
  const app = await FakeApp.start(name, modules);
  apps.push(app);
  return app;
}

afterEach(async () => {
  await closeGateways();
  await Promise.all(apps.splice(0).map((app) => app.kill()));
  for (const end of ends.splice(0)) await end();
});

const tokenOf = (sub: string) => `Bearer e30.${Buffer.from(JSON.stringify({ sub })).toString('base64url')}.x`;
const asUser = (number: number) => ({ headers: { authorization: tokenOf(`user-${number}`) } });
const users = Array.from({ length: 200 }, (_, number) => number);

/** Who answers each of two hundred users. */
async function answering(gateway: OpenGateway, path: string): Promise<string[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  const answers = await Promise.all(users.map((user) => gateway.ask('GET', path, { ...asUser(user), agent })));
  agent.destroy();
  return answers.map(({ text }) => text);
}

describe('the gateway', () => {
  it('leads each path to the app that hosts its module, and answers what it answers', async () => {
    const [users, orders] = [await anApp('users'), await anApp('orders')];
    orders.answer = (request, response) => {
      void bodyOf(request).then((body) => {
        response.writeHead(201, 'Made', { location: '/api/v1/orders/7', 'set-cookie': ['a=1', 'b=2'], etag: '"7"' });
        response.end(`${request.method} ${body.toString()}`);
      });
    };
    const gateway = await openGateway(topologyOf([users, orders]));
    expect(await gateway.ask('GET', '/api/v1/users/me?x=%20y')).toMatchObject({ status: 200, text: 'from users' });
    expect(users.asked[0]).toMatchObject({ method: 'GET', url: '/api/v1/users/me?x=%20y' });
    const answer = await gateway.ask('POST', '/api/v1/orders', {
      body: '{"é":1}',
      headers: { 'content-type': 'application/json' },
    });
    expect(answer).toMatchObject({ status: 201, text: 'POST {"é":1}' });
    expect(answer.headers).toMatchObject({ location: '/api/v1/orders/7', 'set-cookie': ['a=1', 'b=2'], etag: '"7"' });
  });

  it('tells the app who asked, and takes nobody’s word for it', async () => {
    const app = await anApp('users');
    const gateway = await openGateway(topologyOf([app]));
    await gateway.ask('GET', '/api/v1/users', {
      headers: { host: 'shop.example', 'x-user-id': '1', 'x-forwarded-for': '1.1.1.1', 'x-correlation-id': 'c-1' },
    });
    expect(app.asked[0]?.headers).toMatchObject({
      host: 'shop.example',
      'x-correlation-id': 'c-1',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-host': 'shop.example',
      'x-forwarded-proto': 'http',
      forwarded: 'for=127.0.0.1;host="shop.example";proto=http',
    });
    expect(app.asked[0]?.headers).not.toHaveProperty('x-user-id');
    expect(app.asked[0]?.rawHeaders.filter((name) => name.toLowerCase() === 'x-forwarded-for')).toHaveLength(1);
  });

  it('believes a proxy that is configured', async () => {
    const app = await anApp('users');
    const gateway = await openGateway(topologyOf([app]), { GATEWAY_TRUSTED_PROXIES: '127.0.0.0/8' });
    await gateway.ask('GET', '/api/v1/users', {
      headers: { 'x-forwarded-for': '1.1.1.1', 'x-forwarded-proto': 'https' },
    });
    expect(app.asked[0]?.headers).toMatchObject({
      'x-forwarded-for': '1.1.1.1, 127.0.0.1',
      'x-forwarded-proto': 'https',
    });
  });

  it.each([
    ['GET', '/nothing', 404, 'route-not-found'],
    ['GET', '/internal/modules', 404, 'route-not-found'],
    ['GET', '/%69nternal/modules', 404, 'route-not-found'],
    ['POST', '/api/v1/usersome', 404, 'route-not-found'],
    ['GET', '/routes', 404, 'route-not-found'],
    ['PUT', '/routes', 404, 'route-not-found'],
    ['GET', '/api/v1/nothing/%zz', 400, 'malformed-request'],
    ['GET', '/api/v1/users/%zz', 400, 'malformed-request'],
    ['POST', '/health/live', 405, 'method-not-allowed'],
    ['DELETE', '/openapi.json', 405, 'method-not-allowed'],
  ])('answers %s %s itself: %i %s', async (method, path, status, code) => {
    const app = await anApp('users');
    const gateway = await openGateway(topologyOf([app]));
    const answer = await gateway.ask(method, path);
    expect(answer.json).toMatchObject({ status, code, instance: path, type: `urn:banyan:problem:${code}` });
    expect(answer).toMatchObject({ status, headers: { 'content-type': 'application/problem+json; charset=utf-8' } });
    expect(answer.headers['x-correlation-id']).toBeDefined();
    if (status === 405) expect(answer.headers.allow).toBe('GET, HEAD');
    expect(app.asked).toEqual([]);
  });

  it('answers HEAD, 204 and 304 without a body', async () => {
    const app = await anApp('users');
    app.answer = (request, response) => {
      const status = Number(/\d+$/.exec(request.url ?? '')?.[0]);
      response.writeHead(status, status === 200 ? { 'content-length': '12' } : { etag: '"7"' });
      response.end(request.method === 'HEAD' || status !== 200 ? undefined : 'twelve bytes');
    };
    const gateway = await openGateway(topologyOf([app]));
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    ends.push(() => agent.destroy());
    expect(await gateway.ask('HEAD', '/api/v1/users/200', { agent })).toMatchObject({
      status: 200,
      text: '',
      headers: { 'content-length': '12' },
    });
    expect(await gateway.ask('DELETE', '/api/v1/users/204', { agent })).toMatchObject({ status: 204, text: '' });
    expect(await gateway.ask('GET', '/api/v1/users/304', { agent })).toMatchObject({
      status: 304,
      text: '',
      headers: { etag: '"7"' },
    });
    expect(await gateway.ask('GET', '/api/v1/users/200', { agent })).toMatchObject({
      status: 200,
      text: 'twelve bytes',
    });
  });
});

describe('bodies', () => {
  const MIB = 1 << 20;

  it.each([
    ['announced', { 'content-length': String(40 * MIB) }],
    ['in chunks', { 'transfer-encoding': 'chunked' }],
  ])(
    'that are large go through without being kept, both ways: %s',
    async (_, headers) => {
      const app = await anApp('users');
      let taken = 0;
      let isReading = false;
      app.answer = (request, response) => {
        response.writeHead(200);
        request.on('data', (chunk: Buffer) => {
          taken += chunk.length;
          if (!response.write(chunk)) {
            request.pause();
            response.once('drain', () => request.resume());
          }
        });
        request.on('end', () => response.end());
        if (!isReading) request.pause();
        void until(() => isReading).then(() => request.resume());
      };
      const gateway = await openGateway(topologyOf([app], { users: { bodyLimitBytes: 64 * MIB } }));
      const raw = await Raw.to(gateway.port);
      ends.push(() => raw.hangsUp());
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
      raw.says(`POST /api/v1/users HTTP/1.1\r\nhost: x\r\n${lines.join('')}\r\n`);
      const piece = 'x'.repeat(65_536);
      const framed = 'transfer-encoding' in headers ? `10000\r\n${piece}\r\n` : piece;
      const total = 40 * MIB;
      for (let sent = 0; sent < total; sent += piece.length) raw.says(framed);
      if ('transfer-encoding' in headers) raw.says('0\r\n\r\n');
      raw.stopsListening();

      // Nobody reads at the far end: what is on the way fills the connections' buffers, and then the client is held back.
      await until(() => app.asked.length === 1);
      await isStill(() => raw.bytesSent);
      expect(raw.bytesSent).toBeLessThan(total - 16 * MIB);
      // The app reads and answers, and now it is the client who does not: the app is held back.
      isReading = true;
      await until(() => taken > 0);
      await isStill(() => taken);
      expect(taken).toBeLessThan(total - 8 * MIB);
      raw.listens();
      await until(() => raw.heard.endsWith('0\r\n\r\n'));
      expect(taken).toBe(total);
      expect(raw.heard.length).toBeGreaterThan(total);
    },
    60_000,
  );

  it('that are too large are answered 413, by the app where it has something else to say first', async () => {
    const app = await anApp('users');
    app.answer = (request, response) => {
      if (request.headers.authorization) response.writeHead(413).end('too large for me');
      else response.writeHead(401).end('who are you?');
    };
    const gateway = await openGateway(topologyOf([app], { users: { bodyLimitBytes: 1_000 } }));
    const body = 'x'.repeat(1_001);
    expect(await gateway.ask('POST', '/api/v1/users', { body })).toMatchObject({ status: 401 });
    expect(await gateway.ask('POST', '/api/v1/users', { body, ...asUser(1) })).toMatchObject({
      status: 413,
      text: 'too large for me',
    });
    expect(await gateway.ask('POST', '/api/v1/users', { body: body.slice(1), ...asUser(1) })).toMatchObject({
      status: 413,
    });
    app.answer = (request) => void request.resume();
    const answer = await gateway.ask('POST', '/api/v1/users', { body });
    expect(answer.json).toMatchObject({ status: 413, code: 'body-too-large' });
  });

  it('in chunks that turn out too large are answered 413', async () => {
    const app = await anApp('users');
    let isCutOff = false;
    app.answer = (request) => {
      request
        .on('error', () => undefined)
        .on('aborted', () => (isCutOff = true))
        .resume();
    };
    const gateway = await openGateway(topologyOf([app], { users: { bodyLimitBytes: 1_000 } }));
    const answer = await gateway.ask('POST', '/api/v1/users', {
      body: 'x'.repeat(100_000),
      headers: { 'transfer-encoding': 'chunked' },
    });
    expect(answer.json).toMatchObject({ status: 413, code: 'body-too-large' });
    await until(() => isCutOff);
  });

  it('are asked for where the client waits to be asked, and only where they are wanted', async () => {
    const app = await anApp('users');
    app.answer = (request, response) => void bodyOf(request).then((body) => response.end(body));
    const gateway = await openGateway(topologyOf([app]));
    const asks = async (path: string) => {
      const raw = await Raw.to(gateway.port);
      ends.push(() => raw.hangsUp());
      raw.says(`POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n`);
      await until(() => raw.heard.includes('\r\n\r\n'));
      return raw;
    };
    const raw = await asks('/api/v1/users');
    expect(raw.heard).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    raw.says('{}');
    await until(() => raw.heard.endsWith('{}'));
    expect(app.asked[0]?.headers).not.toHaveProperty('expect');
    expect((await asks('/nothing')).heard).toMatch(/^HTTP\/1.1 404 /);
  });
});

describe('trouble behind the gateway', () => {
  it('is tried again elsewhere where the request is safe', async () => {
    const app = await anApp('users');
    const breaking = await rawServer((socket) => socket.once('data', (text) => answerQuestions(text, socket)));
    ends.push(breaking.stop);
    const topology = topologyOf([app]);
    topology.apps['users']!.instances.push({ address: breaking.address, weight: 100, version: 'x' });
    const gateway = await openGateway(topology);
    const all = await Promise.all(users.map((user) => gateway.ask('GET', '/api/v1/users', asUser(user))));
    expect(new Set(all.map(({ status }) => status))).toEqual(new Set([200]));
    for (const body of ['{}', '']) {
      const posts = await Promise.all(
        users.map((user) => gateway.ask('POST', '/api/v1/users', { body, ...asUser(user) })),
      );
      const failed = posts.filter(({ status }) => status !== 200);
      expect(failed.length).toBeGreaterThan(0);
      for (const { json } of failed) expect(json).toMatchObject({ status: 502, code: 'bad-gateway' });
    }
  });

  it('costs no request where an instance refuses connections', async () => {
    const [one, other] = [await anApp('users'), await anApp('users')];
    const topology = topologyOf([one]);
    topology.apps['users']!.instances.push({ address: other.address, weight: 100, version: 'x' });
    const gateway = await openGateway(topology, { GATEWAY_HEALTH_INTERVAL_MS: '60000' });
    await other.kill();
    const posts = await Promise.all(
      users.map((user) => gateway.ask('POST', '/api/v1/users', { body: '{}', ...asUser(user) })),
    );
    expect(new Set(posts.map(({ status }) => status))).toEqual(new Set([200]));
    expect(one.asked).toHaveLength(users.length);
  });

  it('is 503 with Retry-After while nobody is there, and over when somebody is again', async () => {
    const [users, orders] = [await anApp('users'), await anApp('orders')];
    const gateway = await openGateway(topologyOf([users, orders]), { GATEWAY_HEALTH_INTERVAL_MS: '50' });
    await users.kill();
    for (const method of ['GET', 'POST']) {
      const answer = await gateway.ask(method, '/api/v1/users');
      expect(answer.json).toMatchObject({ status: 503, code: 'unavailable' });
      expect(answer.headers['retry-after']).toBe('1');
    }
    expect((await gateway.ask('GET', '/api/v1/orders')).status).toBe(200);
    const health = await gateway.ask('GET', '/health/ready', { headers: { 'x-correlation-id': 'c-1' } });
    expect(health.headers['x-correlation-id']).toBe('c-1');
    expect(health.json).toMatchObject({
      status: 'ok',
      details: { 'module:users': { status: 'degraded' }, 'module:orders': { status: 'up' } },
    });
    await users.start();
    await until(async () => (await gateway.ask('GET', '/api/v1/users')).status === 200);
  });

  it('is not asked while it says that it is not ready', async () => {
    const app = await anApp('users');
    const gateway = await openGateway(topologyOf([app]), { GATEWAY_HEALTH_INTERVAL_MS: '50' });
    app.isReady = false;
    await until(async () => (await gateway.ask('GET', '/api/v1/users')).status === 503);
    app.isReady = true;
    await until(async () => (await gateway.ask('GET', '/api/v1/users')).status === 200);
  });

  it('is 504 where the app takes too long', async () => {
    const app = await anApp('users');
    app.answer = () => undefined;
    const gateway = await openGateway(topologyOf([app], { users: { timeoutMs: 150 } }));
    expect((await gateway.ask('GET', '/api/v1/users')).json).toMatchObject({ status: 504, code: 'gateway-timeout' });
    expect((await gateway.ask('POST', '/api/v1/users', { body: '{}' })).json).toMatchObject({ status: 504 });
    expect(app.asked).toHaveLength(2);
  });

  it('is 502 where the app speaks no HTTP', async () => {
    const nonsense = await rawServer((socket) =>
      socket.once('data', (text) => answerQuestions(text, socket, 'nonsense\r\n\r\n')),
    );
    ends.push(nonsense.stop);
    const app = await anApp('users');
    const topology = topologyOf([app]);
    topology.apps['users']!.instances = [{ address: nonsense.address, weight: 100, version: 'x' }];
    const gateway = await openGateway(topology);
    expect((await gateway.ask('GET', '/api/v1/users')).json).toMatchObject({ status: 502, code: 'bad-gateway' });
  });

  it('is seen by the client where the answer has begun', async () => {
    const app = await anApp('users');
    app.answer = (_, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half', () => response.destroy());
    };
    const gateway = await openGateway(topologyOf([app]));
    await expect(gateway.ask('GET', '/api/v1/users')).rejects.toThrow(/aborted|hang up|reset/);
    app.answer = (_, response) => {
      response.write('half', () => response.destroy());
    };
    await expect(gateway.ask('GET', '/api/v1/users')).rejects.toThrow(/aborted|hang up|reset/);
  });

  it('is spared an app whose client has gone', async () => {
    const app = await anApp('users');
    let isGone = false;
    app.answer = (request) => void request.socket.on('close', () => (isGone = true));
    const gateway = await openGateway(topologyOf([app]));
    const raw = await Raw.to(gateway.port);
    raw.says('GET /api/v1/users HTTP/1.1\r\nhost: x\r\n\r\n');
    await until(() => app.asked.length === 1);
    raw.hangsUp();
    await until(() => isGone);
    const text = (await gateway.ask('GET', '/metrics')).text;
    expect(text).toMatch(/gateway_clients_gone_total\{module="users"\} 1/);
  });
});

describe('a client that has asked for several things at once', () => {
  it('and goes away, leaves nothing behind', async () => {
    const app = await anApp('users');
    let gone = 0;
    app.answer = (request) => void request.socket.on('close', () => (gone += 1));
    const gateway = await openGateway(topologyOf([app]));
    const raw = await Raw.to(gateway.port);
    raw.says('GET /api/v1/users HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(3));
    await until(() => app.asked.length === 3);
    raw.hangsUp();
    await until(() => gone === 3);
    await gateway.stop();
  });
});

describe('an instance with every connection in use', () => {
  it('lets others wait, refuses who has waited too long, and is not taken for dead', async () => {
    const app = await anApp('users');
    const answers: (() => void)[] = [];
    app.answer = (_, response) => void answers.push(() => void response.end('ok'));
    const gateway = await openGateway(topologyOf([app], { users: { timeoutMs: 400 } }), {
      GATEWAY_UPSTREAM_CONNECTIONS: '2',
      GATEWAY_HEALTH_INTERVAL_MS: '60000',
    });
    const asking = [1, 2, 3, 4].map(() => gateway.ask('POST', '/api/v1/users', { body: '{}' }));
    await until(() => answers.length === 2);
    answers.shift()?.();
    await until(() => answers.length === 2);
    const statuses = (await Promise.all(asking)).map(({ status }) => status).sort();
    expect(statuses).toEqual([200, 503, 504, 504]);
    const again = gateway.ask('GET', '/api/v1/users');
    await until(() => answers.length === 3);
    answers.at(-1)?.();
    expect((await again).status).toBe(200);
  });
});

describe('routes', () => {
  /** Payments in the monolith, and beside it. */
  async function moving(share: number, variables = {}) {
    const [monolith, payments] = [await anApp('monolith', ['orders', 'payments']), await anApp('payments')];
    const topology = topologyOf([monolith, payments], {
      payments: { upstreams: { monolith: 100 - share, payments: share } },
    });
    return { monolith, payments, topology, gateway: await openGateway(topology, variables) };
  }

  it('divide users by weight, and keep each with one app', async () => {
    const { gateway } = await moving(50);
    const first = await answering(gateway, '/api/v1/payments');
    expect(first.filter((text) => text === 'from payments').length).toBeGreaterThan(60);
    expect(first.filter((text) => text === 'from monolith').length).toBeGreaterThan(60);
    expect(await answering(gateway, '/api/v1/payments/7')).toEqual(first);
    expect(new Set(await answering(gateway, '/api/v1/orders'))).toEqual(new Set(['from monolith']));
  });

  it('take other weights from an operator, and move only who must move', async () => {
    const { gateway, topology } = await moving(25);
    const before = await answering(gateway, '/api/v1/payments');
    const told = await gateway.operate('PATCH', '/modules/payments/upstreams', { monolith: 50, payments: 50 });
    expect(told).toMatchObject({ status: 200 });
    expect(told.json).toMatchObject({ from: 'PATCH /modules/payments/upstreams', refused: null });
    const after = await answering(gateway, '/api/v1/payments');
    expect(users.filter((user) => before[user] === 'from payments' && after[user] !== 'from payments')).toEqual([]);
    await gateway.operate('PATCH', '/modules/payments/upstreams', { payments: 100 });
    expect(new Set(await answering(gateway, '/api/v1/payments'))).toEqual(new Set(['from payments']));
    // The file rules again once it is written anew.
    topology.routes['payments']!.upstreams = { monolith: 100 };
    writeFileSync(gateway.file, formatTopology(topology));
    const isAt = (text: string) =>
      until(async () => (await gateway.ask('GET', '/api/v1/payments', asUser(1))).text === text);
    await isAt('from monolith');
    // Also where it says the same again.
    await gateway.operate('PATCH', '/modules/payments/upstreams', { payments: 100 });
    await isAt('from payments');
    writeFileSync(gateway.file, formatTopology(topology));
    await isAt('from monolith');
  });

  it('take a whole topology from an operator, as JSON or YAML', async () => {
    const { gateway, topology } = await moving(0);
    const elsewhere = await anApp('elsewhere', ['orders', 'payments']);
    const body = topologyOf([elsewhere]);
    expect((await gateway.operate('PUT', '/routes', body)).status).toBe(200);
    expect((await gateway.ask('GET', '/api/v1/orders')).text).toBe('from elsewhere');
    expect((await gateway.operate('PUT', '/routes', formatTopology(topology))).status).toBe(200);
    expect((await gateway.ask('GET', '/api/v1/orders')).text).toBe('from monolith');
    expect((await gateway.operate('GET', '/routes')).json).toMatchObject({
      from: 'PUT /routes',
      routes: [
        { module: 'orders', prefixes: ['/api/v1/orders'] },
        { module: 'payments', upstreams: { monolith: 100 } },
      ],
    });
  });

  it.each([
    ['no topology', 'PUT', '/routes', 'colour: green', 'is no topology'],
    ['no YAML', 'PUT', '/routes', 'apps: [', 'is no topology'],
    ['an app that nobody can reach', 'PUT', '/routes', unreachable(), 'names no address'],
    ['weights of nobody', 'PATCH', '/modules/payments/upstreams', { monolith: 0, payments: 0 }, 'leaves nobody'],
    ['a weight beyond all', 'PATCH', '/modules/payments/upstreams', { monolith: 101 }, 'expected number'],
    ['an unknown app', 'PATCH', '/modules/payments/upstreams', { nobody: 5 }, 'does not host'],
    ['an unknown module', 'PATCH', '/modules/reviews/upstreams', { monolith: 5 }, 'hosted by no app'],
  ])('that make no sense are refused, and the old ones stay: %s', async (_, method, path, body, complaint) => {
    const { gateway } = await moving(0);
    const { from } = (await gateway.operate('GET', '/routes')).json as { from: string };
    const answer = await gateway.operate(method, path, body);
    expect(answer.json).toMatchObject({ status: 400, code: 'validation-failed' });
    expect(answer.text).toContain(complaint);
    expect((await gateway.operate('GET', '/routes')).json).toMatchObject({ from });
    expect((await gateway.ask('GET', '/api/v1/payments')).text).toBe('from monolith');
  });

  it('are no matter of web pages that have a name pointed at this machine', async () => {
    const { gateway } = await moving(0);
    for (const host of ['rebound.example', 'rebound.example:3900', '127.0.0.1.rebound.example']) {
      const answer = await gateway.operate('PATCH', '/modules/payments/upstreams', { payments: 100 }, host);
      expect(answer.json).toMatchObject({ status: 403, code: 'forbidden' });
    }
    for (const host of ['localhost:3900', '[::1]:3900', '127.0.0.1']) {
      expect((await gateway.operate('GET', '/routes', undefined, host)).status).toBe(200);
    }
  });

  it('follow the file, however it is written, and stay where it makes no sense', async () => {
    const { gateway, topology } = await moving(0);
    const to = (share: number) => {
      topology.routes['payments']!.upstreams = { monolith: 100 - share, payments: share };
      return formatTopology(topology);
    };
    const isAt = (text: string) => until(async () => (await gateway.ask('GET', '/api/v1/payments')).text === text);
    writeFileSync(gateway.file, to(100));
    await isAt('from payments');
    // As editors do.
    writeFileSync(`${gateway.file}.new`, to(0));
    renameSync(`${gateway.file}.new`, gateway.file);
    await isAt('from monolith');
    writeFileSync(gateway.file, 'description: half a fi');
    const refused = async () =>
      ((await gateway.operate('GET', '/routes')).json as { refused: { reason: string } | null }).refused;
    await until(async () => (await refused()) !== null);
    expect((await refused())?.reason).toContain('is no topology');
    expect((await gateway.ask('GET', '/api/v1/payments')).text).toBe('from monolith');
    writeFileSync(gateway.file, to(100));
    await isAt('from payments');
    expect(await refused()).toBeNull();
  });

  it('change under load without a failed request, back and forth, and with them the apps', async () => {
    const { gateway } = await moving(0);
    const agent = new Agent({ keepAlive: true, maxSockets: 16 });
    ends.push(() => agent.destroy());
    let isOver = false;
    const seen = new Map<string, number>();
    const crowd = users.slice(0, 16).map(async (user) => {
      while (!isOver) {
        const method = user % 2 === 0 ? 'GET' : 'POST';
        const { status, text } = await gateway.ask(method, '/api/v1/payments', {
          ...asUser(user),
          agent,
          ...(method === 'POST' ? { body: '{}' } : {}),
        });
        const what = `${status} ${text}`;
        seen.set(what, (seen.get(what) ?? 0) + 1);
      }
    });
    for (const share of [10, 50, 100, 50, 0, 100, 0]) {
      await gateway.operate('PATCH', '/modules/payments/upstreams', { monolith: 100 - share, payments: share });
      const before = [...seen.values()].reduce((sum, count) => sum + count, 0);
      await until(() => [...seen.values()].reduce((sum, count) => sum + count, 0) > before + 50);
    }
    const elsewhere = await anApp('elsewhere', ['orders', 'payments']);
    await gateway.operate('PUT', '/routes', topologyOf([elsewhere]));
    await until(() => (seen.get('200 from elsewhere') ?? 0) > 50);
    isOver = true;
    await Promise.all(crowd);
    expect([...seen.keys()].sort()).toEqual(['200 from elsewhere', '200 from monolith', '200 from payments']);
  });

  it('are learned from the apps, also those that come later', async () => {
    const [users, orders] = [await anApp('users'), await anApp('orders')];
    orders.modules['orders'] = ['/api/v1/orders', '/api/v1/baskets'];
    await orders.kill();
    const gateway = await openGateway(topologyOf([users, orders]), { GATEWAY_HEALTH_INTERVAL_MS: '50' });
    expect((await gateway.ask('GET', '/health/ready')).json).toMatchObject({
      status: 503,
      errors: [{ path: 'module:orders' }],
    });
    expect((await gateway.ask('GET', '/api/v1/users')).status).toBe(200);
    // It may be the path of a module that has not been heard of yet.
    expect((await gateway.ask('GET', '/api/v1/baskets')).status).toBe(503);
    await orders.start();
    await until(async () => (await gateway.ask('GET', '/health/ready')).status === 200);
    expect((await gateway.ask('GET', '/api/v1/baskets')).text).toBe('from orders');
    expect((await gateway.ask('GET', '/api/v1/nothing')).status).toBe(404);
    await orders.kill();
    await until(async () => (await gateway.ask('GET', '/api/v1/baskets')).status === 503);
    expect((await gateway.ask('GET', '/health/ready')).status).toBe(200);
  });

  it('lead to no app that does not host the module, whatever the topology says', async () => {
    const [monolith, payments] = [await anApp('monolith', ['orders', 'payments']), await anApp('payments')];
    const topology = topologyOf([monolith, payments], { payments: { upstreams: { monolith: 50, payments: 50 } } });
    delete monolith.modules['payments'];
    const gateway = await openGateway(topology);
    expect(new Set(await answering(gateway, '/api/v1/payments'))).toEqual(new Set(['from payments']));
  });

  it('must make sense when the gateway starts', async () => {
    const app = await anApp('users');
    const topology = topologyOf([app]);
    topology.apps['users']!.instances = [];
    await expect(openGateway(topology)).rejects.toThrow(TopologyInvalid);
    await expect(openGateway(topologyOf([app]), { TOPOLOGY_FILE: '/nowhere/topology.yaml' })).rejects.toThrow(
      TopologyInvalid,
    );
  });
});

describe('the documents', () => {
  const part = (module: string) => ({
    openapi: '3.1.0',
    paths: { [`/api/v1/${module}`]: {} },
    components: { schemas: { [module]: {} } },
  });

  it('are those of all apps, remembered until one is another version, and while it is away', async () => {
    const [users, orders] = [await anApp('users'), await anApp('orders')];
    for (const app of [users, orders]) app.documents = { '/openapi.json': part(app.name) };
    const gateway = await openGateway(topologyOf([users, orders]), { GATEWAY_HEALTH_INTERVAL_MS: '50' });
    const paths = async () =>
      Object.keys(((await gateway.ask('GET', '/openapi.json')).json as { paths: object }).paths);
    expect(await paths()).toEqual(['/api/v1/orders', '/api/v1/users']);
    expect((await gateway.ask('GET', '/docs/swagger-ui-init.js')).text).toContain('/api/v1/orders');
    expect((await gateway.ask('GET', '/docs')).headers['content-type']).toContain('text/html');
    await orders.kill();
    expect(await paths()).toEqual(['/api/v1/orders', '/api/v1/users']);
    orders.documents = { '/openapi.json': part('baskets') };
    orders.version = '2';
    await orders.start();
    await until(async () => (await paths()).includes('/api/v1/baskets'));
    expect((await gateway.ask('GET', '/docs/swagger-ui-init.js')).text).toContain('/api/v1/baskets');
  });

  it('are not told by halves', async () => {
    const [users, orders] = [await anApp('users'), await anApp('orders')];
    users.documents = { '/openapi.json': part('users') };
    await orders.kill();
    const gateway = await openGateway(topologyOf([users, orders]));
    expect((await gateway.ask('GET', '/openapi.json')).json).toMatchObject({ status: 503, code: 'unavailable' });
  });
});

describe('a gateway that stops', () => {
  it('answers everybody who is under way, and lets nobody in', async () => {
    const app = await anApp('users');
    app.answer = (request, response) => {
      request.resume().on('end', () => setTimeout(() => response.end('ok'), 5));
    };
    const gateway = await openGateway(topologyOf([app]));
    let served = 0;
    const troubles: string[] = [];
    const crowd = Array.from({ length: 30 }, async (_, number) => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      for (;;) {
        try {
          const { status } = await gateway.ask(number % 2 === 0 ? 'GET' : 'POST', '/api/v1/users', { agent });
          if (status !== 200) troubles.push(`answered ${status}`);
          served += 1;
        } catch (error) {
          const { syscall, code } = error as NodeJS.ErrnoException;
          if (syscall !== 'connect') troubles.push(`${code} in ${syscall}`);
          return agent.destroy();
        }
      }
    });
    await until(() => served > 300);
    await gateway.stop();
    await Promise.all(crowd);
    expect(troubles).toEqual([]);
  });

  it('waits for an answer that takes its time, and sends its client away with it', async () => {
    const app = await anApp('users');
    let answer = () => {};
    app.answer = (_, response) => void (answer = () => void response.end('at last'));
    const gateway = await openGateway(topologyOf([app]));
    const asking = gateway.ask('GET', '/api/v1/users');
    await until(() => app.asked.length === 1);
    let isStopped = false;
    const stopped = gateway.stop().then(() => (isStopped = true));
    await until(
      async () =>
        (await Raw.to(gateway.port).then(
          (raw) => raw.hangsUp(),
          () => 'closed',
        )) === 'closed',
    );
    expect(isStopped).toBe(false);
    answer();
    expect(await asking).toMatchObject({ text: 'at last', headers: { connection: 'close' } });
    await stopped;
  });
});

/** Answers the gateway's own questions as an app that hosts users; everything else as it is told, or not at all. */
function answerQuestions(text: Buffer, socket: import('node:net').Socket, otherwise?: string): void {
  const asked = text.toString();
  const hosting = JSON.stringify({
    app: 'users',
    version: '1',
    modules: [{ module: 'users', prefixes: ['/api/v1/users'] }],
  });
  if (asked.startsWith('GET /internal') || asked.startsWith('GET /health')) {
    socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${hosting.length}\r\nConnection: close\r\n\r\n${hosting}`);
  } else if (otherwise !== undefined) socket.end(otherwise);
  else socket.destroy();
}

function unreachable(): string {
  return 'description: x\ntransport: in-process\napps: { monolith: { modules: [orders, payments] } }';
}

/** Waits until a number has stopped to grow. */
async function isStill(number: () => number): Promise<void> {
  let [before, same] = [-1, 0];
  await until(() => {
    same = before === number() ? same + 1 : 0;
    before = number();
    return same > 40;
  });
}
