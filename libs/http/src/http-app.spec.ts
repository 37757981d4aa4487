import { connect } from 'node:net';
import { loadSettings } from '@banyan/config';
import { event, hears, MessagingModule, messagingMigrations } from '@banyan/messaging';
import { Database, PersistenceModule } from '@banyan/persistence';
import { HealthIndicators } from '@banyan/telemetry';
import { Body, Controller, Get, Headers, Module, Param, Post, Query } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWTPayload } from 'jose';
import { v7 as uuidv7 } from 'uuid';
import { z } from 'zod';
import { freshDatabase, type FreshDatabase } from '../../../test/database/database';
import { Forgets } from './forgets';
import { problemOf } from './problem.filter';
import {
  Access,
  accessMigrations,
  Answers,
  createHttpApp,
  CurrentAttempt,
  CurrentUser,
  Erasures,
  HttpModule,
  Idempotency,
  idempotencyMigrations,
  idSchema,
  keyed,
  moneySchema,
  openApiDocument,
  page,
  pageOf,
  pageQuery,
  Refuses,
  TakesIdempotencyKey,
  VerificationKeys,
  type Attempt,
  type Caller,
} from './index';

class KiteNotFound extends Error {
  readonly code = 'kite-not-found';
}
class KiteTaken extends Error {
  readonly code = 'kite-taken';
}
class Unforeseen extends Error {
  readonly code = 'unforeseen';
}

const kite = z.strictObject({ id: idSchema, name: z.string() }).meta({ id: 'Kite' });
const kites = pageOf(kite, 'Kites');
const newKite = z.strictObject({ name: z.string().min(1), price: moneySchema.optional() }).meta({ id: 'NewKite' });
const wind = z.strictObject({ strength: z.int().optional() }).meta({ id: 'Wind' });
const path = z.strictObject({ id: idSchema });
const listing = z.strictObject({ q: z.string().optional(), ...pageQuery(z.tuple([z.string()])) });

/** What the acts of this spec wait for or count. */
const stage = { made: 0, wait: Promise.resolve() };

@Controller('kites')
class KitesController {
  constructor(private readonly idempotency: Idempotency) {}

  @Get()
  @Access('anyone')
  @Answers(200, kites)
  list(@Query({ schema: listing }) { cursor, limit }: z.infer<typeof listing>) {
    const from = cursor ? Number(cursor[0]) : 0;
    const rows = Array.from({ length: 5 }, (_, n) => ({ id: uuidv7(), name: `${n}` })).slice(from, from + limit + 1);
    return page(rows, limit, ({ name }) => [`${Number(name) + 1}`]);
  }

  @Get('mine')
  @Access('user')
  mine(@CurrentUser() user: Caller) {
    return user;
  }

  @Get(':id')
  @Access('anyone')
  @Answers(200, kite)
  @Refuses({ 404: [KiteNotFound] })
  get(@Param({ schema: path }) { id }: z.infer<typeof path>, @Headers('x-act') act?: string) {
    if (act === 'unforeseen') throw new Unforeseen(`select secret from kite where id = '${id}'`);
    if (act === 'undeclared') return { id, name: 'red', colour: 'red' };
    if (act === 'away') throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    throw new KiteNotFound(`There is no kite ${id}.`);
  }

  @Post()
  @Access('admin')
  @TakesIdempotencyKey('optional')
  @Answers(201, kite)
  @Refuses({ 409: [KiteTaken] })
  make(@Body({ schema: newKite }) body: z.infer<typeof newKite>, @CurrentAttempt() attempt: Attempt) {
    return this.idempotency.once(attempt, async () => {
      await stage.wait;
      if (body.name === 'taken') throw new KiteTaken('Taken.');
      stage.made += 1;
      return { id: uuidv7(), name: body.name };
    });
  }

  @Post('wind')
  @Access('anyone')
  @Answers(200, wind)
  blow(@Body({ schema: wind }) body: z.infer<typeof wind>) {
    return body;
  }

  @Post('sale')
  @Access('customer')
  @TakesIdempotencyKey('required')
  sell(@CurrentAttempt() attempt: Attempt) {
    return this.idempotency.once(keyed(attempt), async () => ({ sold: true }));
  }
}

const kiteFlown = event({
  type: 'kites.kite-flown.v1',
  key: ({ kiteId }) => kiteId,
  schema: z.object({ kiteId: z.string() }),
  example: { kiteId: 'red' },
});
const windRose = hears({
  subscriber: 'kites',
  kind: 'event',
  type: 'wind.wind-rose.v1',
  schema: z.object({}),
  example: {},
});

const persistence = PersistenceModule.forModule({
  module: 'kites',
  migrations: [...messagingMigrations, ...idempotencyMigrations, ...accessMigrations],
});

@Module({
  imports: [
    persistence,
    MessagingModule.forModule({ module: 'kites', persistence, publishes: [kiteFlown], hears: [windRose] }),
    HttpModule.forModule({ persistence }),
  ],
  controllers: [KitesController],
})
class KitesModule {}

interface Answer {
  status: number;
  headers: Headers;
  text: string;
  json: Record<string, unknown>;
}

let database: FreshDatabase;
let app: NestFastifyApplication;
let base: string;
let signing: { kid: string; privateKey: CryptoKey };

function settingsFor(more: Record<string, string> = {}) {
  return loadSettings({ NODE_ENV: 'test', LOG_LEVEL: 'silent', DATABASE_URL: database.url, ...more });
}

beforeAll(async () => {
  database = await freshDatabase();
  app = await createHttpApp(settingsFor(), [KitesModule], { title: 'Kites', app: { name: 'toys', version: '0.0.7' } });
  await app.listen(0, '127.0.0.1');
  base = await app.getUrl();
  signing = await aKey(true);
});

afterAll(async () => {
  await app?.close();
  await database?.drop();
});

async function aKey(announced: boolean) {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
  const key = { kid: uuidv7(), publicKey: await exportJWK(publicKey), notBefore: new Date(), expiresAt: inAnHour() };
  const announce = () =>
    app
      .get(Database, { strict: false })
      .transaction((tx) => app.get(VerificationKeys, { strict: false }).accept(tx, key));
  if (announced) await announce();
  return { kid: key.kid, privateKey, announce, publicKey: key.publicKey };
}

const inAnHour = () => new Date(Date.now() + 3_600_000);

async function token(
  claims: JWTPayload = {},
  header: Record<string, unknown> = {},
  key: CryptoKey = signing.privateKey,
) {
  const now = Math.floor(Date.now() / 1000);
  const payload = {
    sub: uuidv7(),
    roles: ['admin'],
    iat: now,
    exp: now + 60,
    iss: 'banyan',
    aud: 'banyan-api',
    ...claims,
  };
  return new SignJWT(payload).setProtectedHeader({ alg: 'ES256', kid: signing.kid, ...header }).sign(key);
}

async function call(
  method: string,
  url: string,
  more: { body?: unknown; headers?: Record<string, string>; as?: string } = {},
): Promise<Answer> {
  const raw = typeof more.body === 'string';
  const body = more.body === undefined ? null : raw ? (more.body as string) : JSON.stringify(more.body);
  const answer = await fetch(base + url, {
    method,
    body,
    headers: {
      ...(body === null ? {} : { 'content-type': 'application/json' }),
      ...(more.as ? { authorization: `Bearer ${more.as}` } : {}),
      ...more.headers,
    },
  });
  const text = await answer.text();
  const isJson = answer.headers.get('content-type')?.includes('json');
  return { status: answer.status, headers: answer.headers, text, json: isJson ? JSON.parse(text) : {} };
}

const problem = (answer: Answer) => [
  answer.status,
  answer.json['code'],
  answer.headers.get('content-type')?.split(';')[0],
];
const PROBLEM = 'application/problem+json';

describe('a problem', () => {
  it('says what RFC 9457 says, and the code', async () => {
    const id = uuidv7();
    const answer = await call('GET', `/api/v1/kites/${id}`);
    expect(answer.json).toEqual({
      type: 'urn:banyan:problem:kite-not-found',
      title: 'Kite not found',
      status: 404,
      detail: `There is no kite ${id}.`,
      instance: `/api/v1/kites/${id}`,
      code: 'kite-not-found',
    });
    expect(answer.headers.get('content-type')).toContain(PROBLEM);
  });

  it.each([
    ['an unknown path', 'GET', '/nothing', 404, 'route-not-found'],
    ['an unknown path under the base path', 'POST', '/api/v1/nothing', 404, 'route-not-found'],
    ['an empty path parameter', 'GET', '/api/v1/kites/', 404, 'route-not-found'],
    ['a malformed path', 'GET', '/%zz', 400, 'malformed-request'],
    ['a malformed id', 'GET', '/api/v1/kites/7', 400, 'validation-failed'],
    ['a very long id', 'GET', `/api/v1/kites/${'x'.repeat(4000)}`, 400, 'validation-failed'],
    ['NUL in a path', 'GET', '/api/v1/kites/%00', 400, 'validation-failed'],
    ['NUL in a query', 'GET', '/api/v1/kites?q=%00', 400, 'validation-failed'],
    ['an unknown query parameter', 'GET', '/api/v1/kites?colour=red', 400, 'validation-failed'],
    ['a query where none is taken', 'GET', `/api/v1/kites/${uuidv7()}?colour=red`, 400, 'validation-failed'],
    ['a limit of 0', 'GET', '/api/v1/kites?limit=0', 400, 'validation-failed'],
    ['a limit of 101', 'GET', '/api/v1/kites?limit=101', 400, 'validation-failed'],
    ['a limit twice', 'GET', '/api/v1/kites?limit=1&limit=2', 400, 'validation-failed'],
    ['a malformed cursor', 'GET', '/api/v1/kites?cursor=nonsense', 400, 'validation-failed'],
  ])('answers %s', async (_, method, url, status, code) => {
    expect(problem(await call(method, url))).toEqual([status, code, PROBLEM]);
  });

  it.each([
    ['malformed JSON', '{"name":', {}, 400, 'malformed-json'],
    ['prototype poisoning', '{"__proto__":{"admin":true},"name":"x"}', {}, 400, 'malformed-json'],
    [
      'another content type',
      'name=x',
      { 'content-type': 'application/x-www-form-urlencoded' },
      415,
      'unsupported-media-type',
    ],
    ['text', 'x', { 'content-type': 'text/plain' }, 415, 'unsupported-media-type'],
    ['a body over 1 MiB', `{"name":"${'x'.repeat(1_048_577)}"}`, {}, 413, 'body-too-large'],
    ['no body', undefined, {}, 400, 'validation-failed'],
    ['null', 'null', {}, 400, 'validation-failed'],
    ['an unknown field', '{"name":"x","colour":"red"}', {}, 400, 'validation-failed'],
    ['NUL in a text', '{"name":"a\\u0000b"}', {}, 400, 'validation-failed'],
    ['half a surrogate pair', '{"name":"a\\ud800b"}', {}, 400, 'validation-failed'],
    ['deep nesting', `{"name":${'['.repeat(400_000)}${']'.repeat(400_000)}}`, {}, 400, 'validation-failed'],
    [
      'deep nesting around NUL',
      `{"name":${'['.repeat(400_000)}"\\u0000"${']'.repeat(400_000)}}`,
      {},
      400,
      'validation-failed',
    ],
    ['an endless Idempotency-Key', '{"name":"x"}', { 'idempotency-key': 'k'.repeat(256) }, 400, 'validation-failed'],
  ])('answers %s', async (_, body, headers, status, code) => {
    const answer = await call('POST', '/api/v1/kites', {
      body,
      headers: headers as Record<string, string>,
      as: await token(),
    });
    expect(problem(answer)).toEqual([status, code, PROBLEM]);
  });

  it('names the fields that are wrong', async () => {
    const body = { name: 5, price: { amount: 1.5, currency: 'GBP' }, colour: 'red' };
    const answer = await call('POST', '/api/v1/kites', { body, as: await token() });
    expect((answer.json['errors'] as { path: string }[]).map(({ path }) => path)).toEqual([
      'name',
      'price.amount',
      'colour',
    ]);
  });

  it('takes no body for an empty one where every field may be left out, and says so', async () => {
    expect(await call('POST', '/api/v1/kites/wind')).toMatchObject({ status: 200, text: '{}' });
    expect(problem(await call('POST', '/api/v1/kites', { as: await token() }))).toEqual([
      400,
      'validation-failed',
      PROBLEM,
    ]);
    const { json } = await call('GET', '/openapi.json');
    const required = (path: string) =>
      (json['paths'] as Record<string, { post: { requestBody: { required: boolean } } }>)[path]?.post.requestBody
        .required;
    expect([required('/api/v1/kites/wind'), required('/api/v1/kites')]).toEqual([false, true]);
  });

  it('tells nothing of an error that no route declares', async () => {
    const answer = await call('GET', `/api/v1/kites/${uuidv7()}`, { headers: { 'x-act': 'unforeseen' } });
    expect(problem(answer)).toEqual([500, 'internal-error', PROBLEM]);
    expect(answer.text).not.toMatch(/select|secret|at /);
  });

  it('stands in for an answer that is not as declared, in tests', async () => {
    const answer = await call('GET', `/api/v1/kites/${uuidv7()}`, { headers: { 'x-act': 'undeclared' } });
    expect(problem(answer)).toEqual([500, 'internal-error', PROBLEM]);
  });

  it('says when the database is away', async () => {
    const answer = await call('GET', `/api/v1/kites/${uuidv7()}`, { headers: { 'x-act': 'away' } });
    expect(problem(answer)).toEqual([503, 'unavailable', PROBLEM]);
    expect(answer.headers.get('retry-after')).toBe('1');
  });

  it.each([
    ['what is not HTTP', 'NONSENSE\r\n\r\n', 400, 'malformed-request'],
    ['endless headers', `GET / HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`, 431, 'headers-too-large'],
  ])('answers %s', async (_, sent, status, code) => {
    const socket = connect(Number(new URL(base).port), '127.0.0.1');
    socket.end(sent);
    const said = (await socket.toArray()).join('');
    expect(said).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(said).toContain(`"code":"${code}"`);
    expect(said).toMatch(/\r\nX-Correlation-ID: [0-9a-f-]{36}\r\n/);
  });

  it('lists what a path takes when asked for another method', async () => {
    const answer = await call('DELETE', '/api/v1/kites');
    expect(problem(answer)).toEqual([405, 'method-not-allowed', PROBLEM]);
    expect(answer.headers.get('allow')).toBe('GET, HEAD, POST');
    expect((await call('PUT', `/api/v1/kites/${uuidv7()}`)).headers.get('allow')).toBe('GET, HEAD');
  });
});

describe('the order of checks', () => {
  const wrong = { body: 'not json', headers: { 'content-type': 'text/plain' } };

  it('is: the route, the method, the token, the role, the body, the act', async () => {
    const customer = await token({ roles: ['customer'] });
    const admin = await token();
    const codes = [
      await call('POST', '/api/v1/nothing', wrong),
      await call('PATCH', '/api/v1/kites', wrong),
      await call('POST', '/api/v1/kites', wrong),
      await call('POST', '/api/v1/kites', { ...wrong, as: customer }),
      await call('POST', '/api/v1/kites', { ...wrong, as: admin }),
      await call('POST', '/api/v1/kites', { body: '{', as: admin }),
      await call('POST', '/api/v1/kites', { body: { name: 'taken' }, as: admin }),
    ].map((answer) => answer.status);
    expect(codes).toEqual([404, 405, 401, 403, 415, 400, 409]);
  });
});

describe('the correlation id', () => {
  it('is taken, or made up, and returned with every answer', async () => {
    const sent = { headers: { 'x-correlation-id': 'a-story.1' } };
    for (const url of ['/api/v1/kites', '/nothing', '/%zz', '/health/live', `/api/v1/kites/${uuidv7()}`]) {
      expect((await call('GET', url, sent)).headers.get('x-correlation-id')).toBe('a-story.1');
      expect((await call('GET', url)).headers.get('x-correlation-id')).toMatch(/^[0-9a-f-]{36}$/);
    }
  });
});

describe('an access token', () => {
  const mine = (as: string) => call('GET', '/api/v1/kites/mine', { as });

  it('says who calls', async () => {
    const sub = uuidv7();
    expect((await mine(await token({ sub, roles: ['customer'] }))).json).toEqual({ id: sub, roles: ['customer'] });
  });

  it('is needed', async () => {
    const answer = await call('GET', '/api/v1/kites/mine');
    expect(problem(answer)).toEqual([401, 'unauthenticated', PROBLEM]);
    expect(answer.headers.get('www-authenticate')).toBe('Bearer');
  });

  const second = () => Math.floor(Date.now() / 1000);
  it.each<[string, () => Promise<string>]>([
    ['expired', () => token({ iat: second() - 120, exp: second() - 60 })],
    ['for another audience', () => token({ aud: 'somebody-else' })],
    ['from another issuer', () => token({ iss: 'somebody-else' })],
    ['too long-lived', () => token({ exp: second() + 3_600 })],
    ['from the future', () => token({ iat: second() + 300, exp: second() + 360 })],
    ['without a subject', () => token({ sub: undefined as never })],
    ['without roles', () => token({ roles: undefined })],
    ['without a key id', () => token({}, { kid: undefined })],
    ['signed with another key', async () => token({}, {}, (await generateKeyPair('ES256')).privateKey)],
    ['unsigned', async () => `${btoa('{"alg":"none"}')}.${(await token()).split('.')[1]}.`.replaceAll('=', '')],
    [
      'tampered with',
      async () => (await token()).replace(/\.[^.]+\./, `.${btoa('{"sub":"me"}').replaceAll('=', '')}.`),
    ],
    ['nonsense', async () => 'nonsense'],
  ])('is refused when %s', async (_, make) => {
    expect(problem(await mine(await make()))).toEqual([401, 'invalid-token', PROBLEM]);
  });

  it('waits a moment for a key that is still on its way', async () => {
    const key = await aKey(false);
    const answer = mine(await token({}, { kid: key.kid }, key.privateKey));
    await key.announce();
    expect((await answer).status).toBe(200);
  });

  it('is checked with a key that another instance heard of', async () => {
    const key = await aKey(false);
    const answer = mine(await token({}, { kid: key.kid }, key.privateKey));
    await app
      .get(Database, { strict: false })
      .query(`insert into verification_key values ($1, $2, now(), now() + interval '1 hour')`, [
        key.kid,
        key.publicKey,
      ]);
    expect((await answer).status).toBe(200);
  });

  it('is refused after two seconds when its key stays unknown', async () => {
    expect(problem(await mine(await token({}, { kid: uuidv7() })))).toEqual([401, 'invalid-token', PROBLEM]);
  });

  it('is refused once its user is erased, at once', async () => {
    const sub = uuidv7();
    const as = await token({ sub });
    expect((await mine(as)).status).toBe(200);
    const erasures = app.get(Erasures, { strict: false });
    await app.get(Database, { strict: false }).transaction((tx) => erasures.record(tx, sub));
    expect(problem(await mine(as))).toEqual([401, 'invalid-token', PROBLEM]);
  });
});

describe('an idempotency key', () => {
  const make = async (key: string, name: string, as: string) =>
    call('POST', '/api/v1/kites', { body: { name }, headers: { 'idempotency-key': key }, as });

  it('makes the second request the first, byte for byte', async () => {
    const as = await token();
    const before = stage.made;
    const first = await make('one', 'red', as);
    const second = await make('one', 'red', as);
    expect([second.status, second.text]).toEqual([201, first.text]);
    expect(stage.made).toBe(before + 1);
  });

  it('does not mind the order of the fields', async () => {
    const as = await token();
    const price = '{"amount":1,"currency":"GBP"}';
    const send = (body: string) => call('POST', '/api/v1/kites', { body, headers: { 'idempotency-key': 'order' }, as });
    const first = await send(`{"name":"x","price":${price}}`);
    expect((await send(`{"price":${price},"name":"x"}`)).text).toBe(first.text);
  });

  it('is refused for another request', async () => {
    const as = await token();
    await make('two', 'red', as);
    expect(problem(await make('two', 'blue', as))).toEqual([422, 'idempotency-key-reused', PROBLEM]);
  });

  it('belongs to its caller', async () => {
    const first = await make('three', 'red', await token());
    expect((await make('three', 'red', await token())).text).not.toBe(first.text);
  });

  it('forgets a refusal', async () => {
    const as = await token();
    expect((await make('four', 'taken', as)).status).toBe(409);
    expect((await make('four', 'free', as)).status).toBe(201);
  });

  it('is refused while the first request is at work', async () => {
    const as = await token();
    let goOn: () => void = () => undefined;
    stage.wait = new Promise((resolve) => (goOn = resolve));
    const answers = Array.from({ length: 8 }, () => make('five', 'red', as));
    const refused = await Promise.race(answers);
    goOn();
    stage.wait = Promise.resolve();
    expect(problem(refused)).toEqual([409, 'request-in-progress', PROBLEM]);
    const statuses = (await Promise.all(answers)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 201).length).toBeGreaterThanOrEqual(1);
    expect((await make('five', 'red', as)).status).toBe(201);
  });

  it('is required where money moves', async () => {
    const as = await token({ roles: ['customer'] });
    expect(problem(await call('POST', '/api/v1/kites/sale', { as }))).toEqual([
      400,
      'idempotency-key-required',
      PROBLEM,
    ]);
    expect((await call('POST', '/api/v1/kites/sale', { as, headers: { 'idempotency-key': 'sale' } })).status).toBe(201);
  });

  it('is kept for as long as was promised, and then forgotten', async () => {
    const as = await token();
    const kites = app.get(Database, { strict: false });
    const age = (hours: number) =>
      kites.query(`update idempotency_key set created_at = now() - make_interval(hours => $1) where key = 'seven'`, [
        hours,
      ]);
    const first = await make('seven', 'red', as);
    await age(23);
    await app.get(Forgets, { strict: false }).forget();
    expect((await make('seven', 'red', as)).text).toBe(first.text);
    await age(25);
    await app.get(Forgets, { strict: false }).forget();
    expect((await make('seven', 'red', as)).text).not.toBe(first.text);
  });

  it('is forgotten with its caller', async () => {
    const sub = uuidv7();
    const as = await token({ sub });
    const first = await make('six', 'red', as);
    const idempotency = app.get(Idempotency, { strict: false });
    await app.get(Database, { strict: false }).transaction((tx) => idempotency.scrub(tx, sub));
    expect((await make('six', 'red', as)).text).not.toBe(first.text);
  });

  it('is forgotten with whom its answer is about', async () => {
    const [idempotency, kites] = [app.get(Idempotency, { strict: false }), app.get(Database, { strict: false })];
    const attempt = { caller: uuidv7(), key: 'about', fingerprint: 'the same' };
    const about = uuidv7();
    const answer = (flies: string) =>
      idempotency.once(
        attempt,
        async () => flies,
        () => about,
      );
    expect(await answer('Jane’s kite')).toBe('Jane’s kite');
    expect(await answer('another')).toBe('Jane’s kite');
    await kites.transaction((tx) => idempotency.scrub(tx, about));
    expect(await answer('nobody’s kite')).toBe('nobody’s kite');
  });
});

describe('a list', () => {
  it('goes from page to page', async () => {
    const names: string[] = [];
    let cursor: unknown = '';
    while (cursor !== null) {
      const { json } = await call('GET', `/api/v1/kites?limit=2${cursor === '' ? '' : `&cursor=${cursor as string}`}`);
      names.push(...(json['items'] as { name: string }[]).map(({ name }) => name));
      cursor = json['nextCursor'];
    }
    expect(names).toEqual(['0', '1', '2', '3', '4']);
  });
});

describe('the documents', () => {
  it('name each operation once', async () => {
    const { paths } = openApiDocument(app, {}, { limits: { requestsPerMinute: null } });
    const names = Object.values(paths).flatMap((methods) => [methods.get?.operationId, methods.post?.operationId]);
    expect(names.filter(Boolean)).toEqual([
      'kites.list',
      'kites.make',
      'kites.mine',
      'kites.sell',
      'kites.blow',
      'kites.get',
    ]);
  });

  it('are OpenAPI 3.1 with schemas, refusals and security', async () => {
    const { json } = await call('GET', '/openapi.json');
    expect(json['openapi']).toBe('3.1.0');
    const paths = json['paths'] as Record<
      string,
      Record<string, { responses: object; parameters: { name: string }[]; security?: object }>
    >;
    expect(Object.keys(paths)).toEqual([
      '/api/v1/kites',
      '/api/v1/kites/mine',
      '/api/v1/kites/sale',
      '/api/v1/kites/wind',
      '/api/v1/kites/{id}',
    ]);
    const make = paths['/api/v1/kites']?.['post'];
    expect(Object.keys(make?.responses ?? {})).toEqual([
      '201',
      '400',
      '401',
      '403',
      '405',
      '408',
      '409',
      '413',
      '415',
      '422',
      '431',
      '500',
      '503',
    ]);
    expect(make?.parameters.map(({ name }) => name)).toEqual(['Idempotency-Key']);
    expect(make?.security).toEqual([{ accessToken: ['admin'] }]);
    const list = paths['/api/v1/kites']?.['get'];
    expect(list?.parameters.map(({ name }) => name)).toEqual(['q', 'limit', 'cursor']);
    expect(list?.security).toBeUndefined();
    const { schemas } = json['components'] as { schemas: Record<string, unknown> };
    expect(Object.keys(schemas).sort()).toEqual(['Kite', 'Kites', 'Money', 'NewKite', 'Problem', 'Wind']);
    expect(JSON.stringify(json)).not.toContain('$defs');
  });

  it('are shown at /docs', async () => {
    expect((await call('GET', '/docs')).text).toContain('swagger-ui');
    expect((await call('GET', '/docs/swagger-ui-bundle.js')).status).toBe(200);
  });

  it('include AsyncAPI with what the modules send and hear', async () => {
    const { json } = await call('GET', '/asyncapi.json');
    expect(json).toMatchObject({
      asyncapi: '3.0.0',
      info: { title: 'Kites' },
      channels: {
        'kites.events': { address: 'banyan.kites.events', messages: { 'kites.kite-flown.v1': {} } },
        'wind.events': { messages: { 'wind.wind-rose.v1': {} } },
      },
      operations: {
        'kites.send.kites.events': { action: 'send', channel: { $ref: '#/channels/kites.events' } },
        'kites.receive.wind.events': { action: 'receive' },
      },
      components: {
        messages: {
          'kites.kite-flown.v1': {
            payload: { properties: { kiteId: { type: 'string' } } },
            examples: [{ payload: { kiteId: 'red' } }],
          },
        },
      },
    });
  });

  it('tell of 429 where there is a limit', () => {
    const limited = openApiDocument(app, {}, { limits: { requestsPerMinute: 5 } });
    expect(limited.paths['/api/v1/kites']?.get?.responses).toHaveProperty('429');
  });
});

describe('the health', () => {
  it('is told', async () => {
    expect((await call('GET', '/health/live')).json).toEqual({ status: 'ok' });
    const ready = await call('GET', '/health/ready');
    expect([ready.status, ready.json['status']]).toEqual([200, 'ok']);
    expect(ready.json['details']).toMatchObject({ 'database:kites': { status: 'up' } });
  });

  it('is degraded but ready, or not ready, as the indicators say', async () => {
    const indicators = app.get(HealthIndicators);
    let status: 'up' | 'degraded' | 'down' = 'degraded';
    indicators.add('broker', () => ({ status }));
    expect((await call('GET', '/health/ready')).json).toMatchObject({ status: 'degraded' });
    status = 'down';
    const answer = await call('GET', '/health/ready');
    expect(problem(answer)).toEqual([503, 'unavailable', PROBLEM]);
    expect(answer.json['errors']).toEqual([{ path: 'broker', message: 'Is down.' }]);
    status = 'up';
  });

  it('has metrics', async () => {
    await call('GET', '/api/v1/kites');
    const { text, headers } = await call('GET', '/metrics');
    expect(text).toContain('http_request_duration_seconds_count{method="GET",route="/api/v1/kites",status="200"}');
    expect(headers.get('content-type')).toContain('text/plain');
  });
});

describe('an app', () => {
  it('limits requests where a limit is configured', async () => {
    const limited = await createHttpApp(settingsFor({ REQUESTS_PER_MINUTE: '2' }), [KitesModule]);
    await limited.listen(0, '127.0.0.1');
    try {
      const url = `${await limited.getUrl()}/api/v1/kites`;
      const answers = [await fetch(url), await fetch(url), await fetch(url)];
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 429]);
      expect(Number(answers[2]?.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(await answers[2]?.json()).toMatchObject({ code: 'too-many-requests' });
    } finally {
      await limited.close();
    }
  });

  it.each([
    ['by their own addresses behind a proxy that is trusted', { TRUSTED_PROXIES: '::1, 127.0.0.0/8' }, [200, 200, 429]],
    ['by the connection where nobody is, whatever they claim', {}, [200, 429, 429]],
  ])('counts requests of clients %s', async (_, trusting, expected) => {
    const limited = await createHttpApp(settingsFor({ REQUESTS_PER_MINUTE: '1', ...trusting }), [KitesModule]);
    await limited.listen(0, '127.0.0.1');
    try {
      const ask = async (client: string) =>
        (await fetch(`${await limited.getUrl()}/api/v1/kites`, { headers: { 'x-forwarded-for': client } })).status;
      // What the client adds before what the proxy says changes nothing.
      expect([await ask('192.0.2.1'), await ask('192.0.2.2'), await ask('192.0.2.9, 192.0.2.1')]).toEqual(expected);
    } finally {
      await limited.close();
    }
  });

  it('answers what is under way when it stops, and closes the connection with it', async () => {
    const stopping = await createHttpApp(settingsFor(), [KitesModule]);
    await stopping.listen(0, '127.0.0.1');
    const indicators = stopping.get(HealthIndicators);
    let arrived: () => void = () => undefined;
    let answer: () => void = () => undefined;
    const underWay = new Promise<void>((resolve) => (arrived = resolve));
    const released = new Promise<void>((resolve) => (answer = resolve));
    indicators.add('slow', async () => {
      arrived();
      await released;
      return { status: 'up' };
    });
    const got = fetch(`${await stopping.getUrl()}/health/ready`);
    await underWay;
    const closed = stopping.close();
    answer();
    expect((await got).status).toBe(200);
    expect((await got).headers.get('connection')).toBe('close');
    await closed;
  });

  it.each([
    [
      'a route without @Access',
      'does not say who may call it',
      () => {
        @Controller('open')
        class Open {
          @Get()
          get() {}
        }
        return Open;
      },
    ],
    [
      'a query without a schema',
      'without one whole schema',
      () => {
        @Controller('loose')
        class Loose {
          @Get()
          @Access('anyone')
          get(@Query('q') _q: string) {}
        }
        return Loose;
      },
    ],
    [
      'tokens without keys',
      'needs access tokens',
      () => {
        @Controller('keyless')
        class Keyless {
          @Get()
          @Access('user')
          get() {}
        }
        return Keyless;
      },
    ],
  ])('does not start with %s', async (_, message, make) => {
    @Module({ controllers: [make()] })
    class Wrong {}
    const wrong = await createHttpApp(settingsFor(), [Wrong]);
    await expect(wrong.init()).rejects.toThrow(message);
    await wrong.close();
  });

  it('does not start with a route outside the paths of its module', async () => {
    @Controller('stray')
    class Stray {
      @Get()
      @Access('anyone')
      get() {}
    }
    @Module({ imports: [persistence, HttpModule.forModule({ persistence })], controllers: [Stray] })
    class StrayModule {}
    const wrong = await createHttpApp(settingsFor(), [StrayModule]);
    await expect(wrong.init()).rejects.toThrow('Stray.get answers /api/v1/stray, and kites serves /api/v1/kites');
    await wrong.close();
  });

  it('does not start with two modules that serve the same path', async () => {
    const data = PersistenceModule.forModule({ module: 'wind', migrations: [...idempotencyMigrations] });
    @Controller('kites/wind')
    class Wind {
      @Get()
      @Access('anyone')
      get() {}
    }
    const http = HttpModule.forModule({ persistence: data, serves: ['/api/v1/kites/wind'] });
    @Module({ imports: [data, http], controllers: [Wind] })
    class WindModule {}
    const wrong = await createHttpApp(settingsFor(), [KitesModule, WindModule]);
    await expect(wrong.init()).rejects.toThrow('wind serves /api/v1/kites/wind, which belongs to kites');
    await wrong.close();
  });

  it('tells a gateway what it hosts, and nobody else of that', async () => {
    expect((await call('GET', '/internal/modules')).json).toEqual({
      app: 'toys',
      version: '0.0.7',
      modules: [{ module: 'kites', prefixes: ['/api/v1/kites', '/api/v1/ops/kites'] }],
    });
    expect((await call('GET', '/openapi.json')).text).not.toContain('internal/modules');
  });

  it('lets nobody hold a connection by sending slowly', async () => {
    const slow = await createHttpApp(settingsFor({ REQUEST_TIMEOUT_MS: '100' }), [KitesModule]);
    expect(slow.getHttpServer()).toMatchObject({ requestTimeout: 100, headersTimeout: 100, timeout: 60_000 });
    await slow.close();
  });

  it('takes a client that hangs up for no outage', () => {
    const reset = (more: object) => Object.assign(new Error('aborted'), { code: 'ECONNRESET' }, more);
    expect(problemOf(reset({ statusCode: 400 })).code).toBe('malformed-request');
    expect(problemOf(reset({})).code).toBe('unavailable');
  });
});
