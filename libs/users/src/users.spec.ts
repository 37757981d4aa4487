import { loadSettings } from '@banyan/config';
import { createHttpApp } from '@banyan/http';
import { Database } from '@banyan/persistence';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify, type JSONWebKeySet } from 'jose';
import { v7 as uuidv7 } from 'uuid';
import { freshDatabase, type FreshDatabase } from '../../../test/database/database';
import { Busy } from './errors';
import { UsersModule } from './index';
import { Passwords } from './passwords';
import { SigningKeys } from './signing-keys';

const admin = { email: 'Admin@shop.example', password: 'the admin has one too' };
const password = 'truth universally acknowledged';

let postgres: FreshDatabase;
let shop: NestFastifyApplication;

async function open(more: Record<string, string> = {}): Promise<NestFastifyApplication> {
  const app = await createHttpApp(
    loadSettings({
      NODE_ENV: 'test',
      LOG_LEVEL: 'silent',
      DATABASE_URL: postgres.url,
      ADMIN_EMAIL: admin.email,
      ADMIN_PASSWORD: admin.password,
      ...more,
    }),
    [UsersModule],
  );
  await app.init();
  return app;
}

beforeAll(async () => {
  postgres = await freshDatabase();
  shop = await open();
});

afterAll(async () => {
  await shop?.close();
  await postgres?.drop();
});

interface Answer<Body = Record<string, string>> {
  status: number;
  body: Body;
}

async function call<Body = Record<string, string>>(
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
  url: string,
  {
    body,
    as,
    headers = {},
    of = shop,
  }: { body?: object; as?: string; headers?: Record<string, string>; of?: NestFastifyApplication } = {},
): Promise<Answer<Body>> {
  const answer = await of.inject({
    method,
    url,
    ...(body ? { payload: body } : {}),
    headers: { ...headers, ...(as ? { authorization: `Bearer ${as}` } : {}) },
  });
  return { status: answer.statusCode, body: (answer.body === '' ? {} : JSON.parse(answer.body)) as Body };
}

interface Tokens {
  accessToken: string;
  refreshToken: string;
}

const anEmail = () => `jane.${uuidv7()}@shop.example`;
const register = (email: string, name = 'Jane Austen') =>
  call('POST', '/api/v1/users', { body: { email, password, name } });
const signIn = (email: string, secret = password, of = shop) =>
  call<Tokens>('POST', '/api/v1/auth/token', { body: { email, password: secret }, of });
const refresh = (refreshToken: string) =>
  call<Tokens>('POST', '/api/v1/auth/token/refresh', { body: { refreshToken } });
const me = (as: string, of = shop) => call('GET', '/api/v1/users/me', { as, of });

async function aCustomer() {
  const email = anEmail();
  const { body: user } = await register(email);
  const { body: tokens } = await signIn(email);
  return { email, id: user['id'] as string, ...tokens };
}

const announced = (type: string, key: string) =>
  shop
    .get(Database, { strict: false })
    .query<{ data: string }>('select data from outbox where type = $1 and key = $2 order by position', [type, key])
    .then((rows) => rows.map(({ data }) => JSON.parse(data) as Record<string, unknown>));

describe('registration', () => {
  it('makes a customer and announces the name, and nothing else of the person', async () => {
    const email = anEmail();
    const { status, body } = await register(email);
    expect(status).toBe(201);
    expect(body).toEqual({
      id: expect.any(String) as string,
      email,
      name: 'Jane Austen',
      roles: ['customer'],
      createdAt: expect.stringMatching(/^\d{4}-.*Z$/) as string,
    });
    const userId = body['id'] as string;
    expect(await announced('users.user-registered.v1', userId)).toEqual([{ userId, name: 'Jane Austen' }]);
  });

  it('refuses an address that is taken, in any case', async () => {
    const email = anEmail();
    await register(email);
    const { status, body } = await register(email.toUpperCase());
    expect([status, body['code']]).toEqual([409, 'email-taken']);
  });

  it('lets one of many at once have the address', async () => {
    const email = anEmail();
    const statuses = (await Promise.all(Array.from({ length: 5 }, () => register(email)))).map(({ status }) => status);
    expect(statuses.sort()).toEqual([201, 409, 409, 409, 409]);
  });

  it.each([
    ['no address', { password, name: 'J' }],
    ['a malformed address', { email: 'jane', password, name: 'J' }],
    ['a short password', { email: 'j@shop.example', password: 'eleven char', name: 'J' }],
    ['a long password', { email: 'j@shop.example', password: 'x'.repeat(129), name: 'J' }],
    ['a blank name', { email: 'j@shop.example', password, name: '  ' }],
    ['a role of one’s own choice', { email: 'j@shop.example', password, name: 'J', roles: ['admin'] }],
  ])('refuses %s', async (_, body) => {
    expect((await call('POST', '/api/v1/users', { body })).status).toBe(400);
  });
});

describe('signing in', () => {
  it('gives tokens that say who it is, in any case of the address', async () => {
    const email = anEmail();
    const { body: user } = await register(email);
    const { status, body } = await signIn(email.toUpperCase());
    expect([status, body]).toEqual([
      200,
      {
        accessToken: expect.any(String),
        tokenType: 'Bearer',
        expiresIn: 600,
        refreshToken: expect.stringMatching(/^brt_/),
      },
    ]);
    expect((await me(body.accessToken)).body).toEqual(user);
  });

  it('answers the same for a wrong password and for an unknown address', async () => {
    const { email } = await aCustomer();
    const wrong = await signIn(email, 'something else entirely');
    const unknown = await signIn(anEmail());
    expect([wrong.status, wrong.body]).toEqual([401, { ...wrong.body, code: 'invalid-credentials' }]);
    expect(unknown).toEqual(wrong);
  });

  it('takes about as long for an unknown address', async () => {
    const { email } = await aCustomer();
    const timed = async (address: string) => {
      const start = performance.now();
      await signIn(address, 'something else entirely');
      return performance.now() - start;
    };
    // In turns, so that whatever else the machine is doing slows both.
    const unknown: number[] = [];
    const known: number[] = [];
    for (let n = 0; n < 9; n++) {
      unknown.push(await timed(anEmail()));
      known.push(await timed(email));
    }
    const median = (times: number[]) => times.sort((a, b) => a - b)[4] as number;
    const ratio = median(unknown) / median(known);
    expect(ratio).toBeGreaterThan(0.5);
    expect(ratio).toBeLessThan(2);
  });

  it('is put off shortly, as registering is, where too many do it at the moment', async () => {
    const passwords = shop.get(Passwords, { strict: false });
    const tooMany = [
      jest.spyOn(passwords, 'matches').mockRejectedValueOnce(new Busy()),
      jest.spyOn(passwords, 'hash').mockRejectedValueOnce(new Busy()),
    ];
    try {
      const body = { email: anEmail(), password };
      for (const [url, payload] of [
        ['/api/v1/auth/token', body],
        ['/api/v1/users', { ...body, name: 'Jane Austen' }],
      ] as const) {
        const answer = await shop.inject({ method: 'POST', url, payload });
        expect([answer.statusCode, answer.json().code, answer.headers['retry-after']]).toEqual([503, 'busy', '1']);
      }
      expect((await register(body.email)).status).toBe(201);
    } finally {
      for (const spy of tooMany) spy.mockRestore();
    }
  });

  it('gives tokens that the published keys verify', async () => {
    const { accessToken, id } = await aCustomer();
    const { body: jwks } = await call<JSONWebKeySet>('GET', '/.well-known/jwks.json');
    const { payload } = await jwtVerify(accessToken, createLocalJWKSet(jwks), {
      issuer: 'banyan',
      audience: 'banyan-api',
    });
    expect(payload).toMatchObject({ sub: id, roles: ['customer'] });
    expect(JSON.stringify(jwks)).not.toContain('"d"');
  });
});

describe('a refresh token', () => {
  it('is good for new tokens, once', async () => {
    const { refreshToken, email } = await aCustomer();
    const { status, body } = await refresh(refreshToken);
    expect(status).toBe(200);
    expect((await me(body.accessToken)).body['email']).toBe(email);
    expect(body.refreshToken).not.toBe(refreshToken);
  });

  it('revokes its whole family when it is used again', async () => {
    const first = await aCustomer();
    const second = (await refresh(first.refreshToken)).body;
    const reused = await refresh(first.refreshToken);
    expect([reused.status, reused.body]).toMatchObject([401, { code: 'invalid-refresh-token' }]);
    expect((await refresh(second.refreshToken)).status).toBe(401);
  });

  it('leaves other families alone', async () => {
    const first = await aCustomer();
    const other = (await signIn(first.email)).body;
    await refresh(first.refreshToken);
    await refresh(first.refreshToken);
    expect((await refresh(other.refreshToken)).status).toBe(200);
  });

  it('is spent once by many uses at once', async () => {
    const { refreshToken } = await aCustomer();
    const statuses = (await Promise.all(Array.from({ length: 5 }, () => refresh(refreshToken)))).map(
      ({ status }) => status,
    );
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
  });

  it('is refused when unknown, and when out of date', async () => {
    expect((await refresh('brt_unknown')).status).toBe(401);
    const { refreshToken, id } = await aCustomer();
    await shop
      .get(Database, { strict: false })
      .query(`update refresh_token set expires_at = now() - interval '1 second' where user_id = $1`, [id]);
    expect((await refresh(refreshToken)).status).toBe(401);
  });

  it('is kept by its hash only', async () => {
    const { refreshToken } = await aCustomer();
    const [found] = await shop
      .get(Database, { strict: false })
      .query<{ n: number }>(`select count(*) as n from refresh_token t where t::text like '%' || $1 || '%'`, [
        refreshToken,
      ]);
    expect(found?.n).toBe(0);
  });

  it('is revoked by signing out', async () => {
    const { refreshToken, accessToken } = await aCustomer();
    const out = await call('POST', '/api/v1/auth/logout', { body: { refreshToken }, as: accessToken });
    expect(out).toEqual({ status: 204, body: {} });
    expect((await refresh(refreshToken)).status).toBe(401);
  });

  it('is not revoked by somebody else’s signing out', async () => {
    const { refreshToken } = await aCustomer();
    const { accessToken } = await aCustomer();
    expect((await call('POST', '/api/v1/auth/logout', { body: { refreshToken }, as: accessToken })).status).toBe(204);
    expect((await refresh(refreshToken)).status).toBe(200);
  });

  it('may be signed out again under the same key', async () => {
    const { refreshToken, accessToken } = await aCustomer();
    const out = () =>
      call('POST', '/api/v1/auth/logout', {
        body: { refreshToken },
        as: accessToken,
        headers: { 'idempotency-key': 'out' },
      });
    expect([await out(), await out()]).toEqual([
      { status: 204, body: {} },
      { status: 204, body: {} },
    ]);
  });
});

describe('a user', () => {
  it('changes the name, and that is announced once', async () => {
    const { accessToken, id } = await aCustomer();
    const change = (body: object) => call('PATCH', '/api/v1/users/me', { body, as: accessToken });
    expect((await change({ name: 'Jane Bennet' })).body).toMatchObject({ id, name: 'Jane Bennet' });
    expect((await change({ name: 'Jane Bennet' })).status).toBe(200);
    expect((await change({})).body).toMatchObject({ name: 'Jane Bennet' });
    expect((await change({ email: 'other@shop.example' })).status).toBe(400);
    expect(await announced('users.user-renamed.v1', id)).toEqual([{ userId: id, name: 'Jane Bennet' }]);
  });

  it('is shown to admins only', async () => {
    const { accessToken, id, email } = await aCustomer();
    const { body: tokens } = await signIn(admin.email.toLowerCase(), admin.password);
    expect((await call('GET', `/api/v1/users/${id}`, { as: accessToken })).status).toBe(403);
    expect((await call('GET', `/api/v1/users/${id}`, { as: tokens.accessToken })).body).toMatchObject({ id, email });
    const nobody = await call('GET', `/api/v1/users/${uuidv7()}`, { as: tokens.accessToken });
    expect([nobody.status, nobody.body['code']]).toEqual([404, 'user-not-found']);
  });
});

describe('erasure', () => {
  it('leaves nothing of the person, refuses the tokens, and frees the address', async () => {
    const { accessToken, refreshToken, id, email } = await aCustomer();
    await call('PATCH', '/api/v1/users/me', { body: { name: 'Jane Churchill' }, as: accessToken });
    expect(await call('DELETE', '/api/v1/users/me', { as: accessToken })).toEqual({ status: 202, body: {} });

    expect((await me(accessToken)).body['code']).toBe('invalid-token');
    expect((await refresh(refreshToken)).status).toBe(401);
    expect((await signIn(email)).status).toBe(401);
    expect(await announced('users.user-erased.v1', id)).toEqual([{ userId: id }]);

    const database = shop.get(Database, { strict: false });
    const tables = await database.query<{ name: string }>(
      `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where n.nspname = 'users' and c.relkind in ('r', 'p')`,
    );
    expect(tables.length).toBeGreaterThan(5);
    for (const { name } of tables) {
      const rows = await database.query(`select t::text as row from "${name}" t where t::text ~* $1`, [
        `${email}|Jane Churchill|${id}.*Jane Austen`,
      ]);
      expect({ name, rows }).toEqual({ name, rows: [] });
    }
    expect((await register(email)).status).toBe(201);
  });
});

describe('the administrator', () => {
  it('is made once by instances that start together, and follows the settings', async () => {
    const email = anEmail();
    const shops = await Promise.all(
      [1, 2].map(() => open({ ADMIN_EMAIL: email, ADMIN_PASSWORD: 'the first password' })),
    );
    expect((await signIn(email, 'the first password')).status).toBe(200);
    shops.push(await open({ ADMIN_EMAIL: email, ADMIN_PASSWORD: 'the second password' }));
    expect((await signIn(email, 'the first password')).status).toBe(401);
    expect((await signIn(email, 'the second password')).status).toBe(200);
    await Promise.all(shops.map((app) => app.close()));
  });
});

describe('the signing keys', () => {
  const kidOf = (token: string) => decodeProtectedHeader(token).kid as string;
  const published = async () =>
    (await call<JSONWebKeySet>('GET', '/.well-known/jwks.json')).body.keys.map(({ kid }) => kid);

  it('are announced before they sign, and verify until their last token is out of date', async () => {
    const { body: tokens } = await signIn(admin.email, admin.password);
    const old = kidOf(tokens.accessToken);
    const { status, body } = await call('POST', '/api/v1/ops/users/signing-keys', { as: tokens.accessToken });
    expect(status).toBe(201);
    const kid = body['kid'] as string;
    const notBefore = new Date(body['notBefore'] as string);
    expect(notBefore.getTime()).toBeGreaterThan(Date.now());
    expect(await published()).toEqual(expect.arrayContaining([old, kid]));
    expect(await announced('users.signing-key-published.v1', kid)).toMatchObject([
      { kid, notBefore: body['notBefore'] },
    ]);
    // The one before is announced again, with the date by which its tokens are out of date.
    const ends = (await announced('users.signing-key-published.v1', old)).map(
      ({ expiresAt }) => new Date(expiresAt as string),
    );
    expect(ends).toHaveLength(2);
    expect((ends[1] as Date).getTime() - notBefore.getTime()).toBe(660_000);

    const keys = shop.get(SigningKeys, { strict: false });
    expect((await keys.current()).kid).toBe(old);
    expect((await keys.current(notBefore)).kid).toBe(kid);
    expect((await me(tokens.accessToken)).status).toBe(200);
  });

  it('are for admins to rotate', async () => {
    const { accessToken } = await aCustomer();
    expect((await call('POST', '/api/v1/ops/users/signing-keys', { as: accessToken })).status).toBe(403);
  });

  it('are the same in all instances, from the first start on', async () => {
    const other = await freshDatabase();
    try {
      const shops = await Promise.all([1, 2, 3].map(() => open({ DATABASE_URL: other.url })));
      const kids = await Promise.all(
        shops.map(async (app) => kidOf((await signIn(admin.email, admin.password, app)).body.accessToken)),
      );
      expect(new Set(kids).size).toBe(1);
      await Promise.all(shops.map((app) => app.close()));
    } finally {
      await other.drop();
    }
  });

  it('are renewed by age, once, while the old one goes on signing', async () => {
    const other = await open();
    const database = shop.get(Database, { strict: false });
    // Late enough for a key that an earlier test announced.
    const soon = new Date(Date.now() + 10_000);
    await database.query(`update signing_key set renew_at = not_before + interval '1 ms'`);
    const before = await published();
    const instances = [shop, other].map((app) => app.get(SigningKeys, { strict: false }));
    await until(async () => {
      const signers = await Promise.all(instances.map((keys) => keys.current(soon)));
      expect(before).toEqual(expect.arrayContaining(signers.map(({ kid }) => kid)));
      return (await published()).length > before.length;
    });
    await other.close();
    expect(await published()).toHaveLength(before.length + 1);
  });

  it('are replaced when SIGNING_KEY_SECRET is another, and still verify', async () => {
    const { accessToken } = await aCustomer();
    const changed = await open({ SIGNING_KEY_SECRET: 'another secret, as long as it has to be' });
    const { body: tokens } = await signIn(admin.email, admin.password, changed);
    expect(kidOf(tokens.accessToken)).not.toBe(kidOf(accessToken));
    expect((await me(accessToken, changed)).status).toBe(200);
    await changed.close();
  });
});

async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('It has not come to pass in ten seconds.');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
