import { setTimeout as delay } from 'node:timers/promises';
import { loadSettings } from '@banyan/config';
import { accessMigrations, createHttpApp, HttpModule, idempotencyMigrations, VerificationKeys } from '@banyan/http';
import {
  connectBus,
  event,
  Handles,
  hears,
  MessagingModule,
  messagingMigrations,
  Outbox,
  PermanentError,
  type Received,
} from '@banyan/messaging';
import { Database, PersistenceModule } from '@banyan/persistence';
import { Controller, Module } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey } from 'jose';
import { v7 as uuidv7 } from 'uuid';
import { z } from 'zod';
import { freshDatabase, type FreshDatabase } from '../../../test/database/database';
import { parkedMessagesController } from './index';

const flown = event({
  type: 'kites.kite-flown.v1',
  key: ({ kite }) => kite,
  schema: z.object({ kite: z.string(), height: z.number(), password: z.string() }),
  example: { kite: 'red', height: 30, password: 'up' },
});
const heardFlown = hears({
  subscriber: 'tower',
  kind: 'event',
  type: 'kites.kite-flown.v1',
  schema: z.object({ kite: z.string(), height: z.number().max(100), password: z.string() }),
  example: flown.example,
  secrets: ['password'],
});

const kitesData = PersistenceModule.forModule({ module: 'kites', migrations: messagingMigrations });
const kites = MessagingModule.forModule({ module: 'kites', persistence: kitesData, publishes: [flown], hears: [] });
@Module({ imports: [kitesData, kites] })
class KitesModule {
  constructor(
    readonly outbox: Outbox,
    readonly database: Database,
  ) {}
}

/** What the tower has seen, and whether there is fog. */
const tower = { fog: true, seen: [] as { kite: string; height: number; password: string }[] };

@Controller()
class OnFlown {
  @Handles(heardFlown)
  async handle(messages: Received<typeof heardFlown>[]): Promise<void> {
    if (tower.fog) throw new PermanentError('nothing to be seen');
    tower.seen.push(...messages.map(({ data }) => data));
  }
}

const persistence = PersistenceModule.forModule({
  module: 'tower',
  migrations: [...messagingMigrations, ...idempotencyMigrations, ...accessMigrations],
});
@Module({
  imports: [
    persistence,
    MessagingModule.forModule({ module: 'tower', persistence, publishes: [], hears: [heardFlown] }),
    HttpModule.forModule({ persistence }),
  ],
  controllers: [OnFlown, parkedMessagesController('tower')],
})
class TowerModule {
  constructor(
    readonly database: Database,
    readonly keys: VerificationKeys,
  ) {}
}

interface Answer {
  status: number;
  body: Record<string, any>;
}

const PATH = '/api/v1/ops/tower/parked-messages';
const why = { reason: 'the fog has gone' };
const admin = uuidv7();
let database: FreshDatabase;
let app: NestFastifyApplication;
let key: { kid: string; privateKey: CryptoKey };

beforeAll(async () => {
  database = await freshDatabase();
  const settings = loadSettings({ NODE_ENV: 'test', LOG_LEVEL: 'silent', DATABASE_URL: database.url });
  app = await createHttpApp(settings, [KitesModule, TowerModule]);
  connectBus(app);
  await app.init();
  await app.startAllMicroservices();
  await app.listen(0, '127.0.0.1');
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
  key = { kid: uuidv7(), privateKey };
  const { database: towers, keys } = app.get(TowerModule);
  const expiresAt = new Date(Date.now() + 3_600_000);
  const announced = { kid: key.kid, publicKey: await exportJWK(publicKey), notBefore: new Date(), expiresAt };
  await towers.transaction((tx) => keys.accept(tx, announced));
});

afterAll(async () => {
  await app?.close();
  await database?.drop();
});

beforeEach(() => {
  tower.fog = true;
  tower.seen = [];
});

async function call(method: string, path: string, body?: unknown, more: { role?: string; key?: string } = {}) {
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    sub: admin,
    roles: [more.role ?? 'admin'],
    iat: now,
    exp: now + 60,
    iss: 'banyan',
    aud: 'banyan-api',
  };
  const token = await new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: key.kid }).sign(key.privateKey);
  const answer = await fetch((await app.getUrl()) + path, {
    method,
    body: body === undefined ? null : JSON.stringify(body),
    headers: {
      ...(more.role === 'nobody' ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(more.key === undefined ? {} : { 'idempotency-key': more.key }),
    },
  });
  const text = await answer.text();
  return { status: answer.status, body: text === '' ? {} : JSON.parse(text) } as Answer;
}

/** Has kites flown that the tower cannot see, and answers the ids of those that are parked. */
async function park(...names: string[]): Promise<string[]> {
  const { database: source, outbox } = app.get(KitesModule);
  await source.transaction((tx) => outbox.publish(tx, names.map((kite) => flown({ kite, height: 30, password: 'up' })))); // prettier-ignore
  const ids: string[] = [];
  for (const kite of new Set(names)) {
    const found = await until(
      () => call('GET', `${PATH}?key=${kite}`),
      ({ body }) => body['items'].length > 0,
    );
    ids.push(found.body['items'][0].id);
  }
  return ids;
}

async function until<T>(ask: () => Promise<T>, isSo: (answer: T) => boolean): Promise<T> {
  const giveUpAt = Date.now() + 15_000;
  for (;;) {
    const answer = await ask();
    if (isSo(answer)) return answer;
    if (Date.now() > giveUpAt) throw new Error(`Still ${JSON.stringify(answer)}`);
    await delay(10);
  }
}

const gone = (id: string) =>
  until(
    () => call('GET', `${PATH}/${id}`),
    ({ status }) => status === 404,
  );

describe('the parked messages of a module', () => {
  it('are for admins only', async () => {
    const id = uuidv7();
    const routes: [string, string, unknown?][] = [
      ['GET', PATH],
      ['GET', `${PATH}/${id}`],
      ['POST', `${PATH}/redrive`, { ...why, filter: {} }],
      ['POST', `${PATH}/${id}/redrive`, why],
      ['POST', `${PATH}/${id}/edit-and-redrive`, { ...why, content: {} }],
      ['POST', `${PATH}/${id}/discard`, why],
    ];
    for (const [method, path, body] of routes) {
      expect(await call(method, path, body, { role: 'nobody' })).toMatchObject({ status: 401 });
      expect(await call(method, path, body, { role: 'customer' })).toMatchObject({ status: 403 });
    }
  });

  it('are listed without their content, page by page, and inspected with it, secrets masked', async () => {
    const ids = await park('list-a', 'list-b');
    const one = await call('GET', `${PATH}?errorCode=permanent-error&limit=1`);
    expect(one).toMatchObject({ status: 200, body: { items: [{ id: ids[0], key: 'list-a', state: 'parked' }] } });
    expect((one.body['items'] as object[]).flatMap(Object.keys)).not.toContain('content');
    const next = await call('GET', `${PATH}?limit=1&cursor=${one.body['nextCursor']}`);
    expect(next.body).toMatchObject({ items: [{ id: ids[1] }], nextCursor: null });
    const inspected = await call('GET', `${PATH}/${ids[0]}`);
    expect(inspected).toMatchObject({
      status: 200,
      body: { content: { kite: 'list-a', height: 30, password: '[secret]' }, headers: { ce_id: ids[0] }, acts: [] },
    });
    const later = new Date(Date.now() + 60_000).toISOString();
    expect((await call('GET', `${PATH}?heldSince=${later}`)).body['items']).toEqual([]);
  });

  it('are redriven, and recorded with the admin and the reason', async () => {
    const [id] = await park('redrive');
    expect(await call('POST', `${PATH}/${id}/redrive`, why)).toEqual({ status: 202, body: { redriven: 1 } });
    const again = await until(
      () => call('GET', `${PATH}/${id}`),
      ({ body }) => body['state'] === 'parked',
    );
    expect(again.body['acts']).toEqual([
      { at: expect.any(String), act: 'redriven', who: admin, why: why.reason, original: null, edited: null },
    ]);
    tower.fog = false;
    await call('POST', `${PATH}/${id}/redrive`, why);
    await gone(id!);
    expect(tower.seen).toEqual([{ kite: 'redrive', height: 30, password: 'up' }]);
  });

  it('are redriven by filter, or all', async () => {
    const [one, other] = await park('filter-a', 'filter-b');
    tower.fog = false;
    const some = { ...why, filter: { key: 'filter-a', type: flown.type } };
    expect(await call('POST', `${PATH}/redrive`, some)).toEqual({ status: 202, body: { redriven: 1 } });
    await gone(one!);
    expect(await call('GET', `${PATH}/${other}`)).toMatchObject({ status: 200 });
    expect((await call('POST', `${PATH}/redrive`, { ...why, filter: {} })).body['redriven']).toBeGreaterThan(0);
    await gone(other!);
  });

  it('are edited, with their secrets kept as they were', async () => {
    const [id] = await park('edit');
    tower.fog = false;
    const content = { kite: 'edit', height: 99, password: '[secret]' };
    expect(await call('POST', `${PATH}/${id}/edit-and-redrive`, { ...why, content })).toMatchObject({ status: 202 });
    await gone(id!);
    expect(tower.seen).toEqual([{ kite: 'edit', height: 99, password: 'up' }]);
    const record = await app.get(TowerModule).database.query('SELECT original, edited FROM held_message_act WHERE key = $1', ['edit']); // prettier-ignore
    expect(record).toEqual([
      {
        original: '{"kite":"edit","height":30,"password":"[secret]"}',
        edited: '{"kite":"edit","height":99,"password":"[secret]"}',
      },
    ]);
  });

  it('are not given a content that the module could not read', async () => {
    const [id] = await park('bad-edit');
    const refused = await call('POST', `${PATH}/${id}/edit-and-redrive`, {
      ...why,
      content: { kite: 'k', height: 101 },
    });
    expect(refused).toMatchObject({ status: 422, body: { code: 'content-refused' } });
    expect(refused.body['detail']).toContain('height');
  });

  it('are discarded, and their stream flows on', async () => {
    const [id] = await park('discard', 'discard');
    tower.fog = false;
    expect(await call('POST', `${PATH}/${id}/discard`, why)).toEqual({ status: 204, body: {} });
    await until(
      () => Promise.resolve(tower.seen.length),
      (seen) => seen === 1,
    );
    expect(await call('GET', `${PATH}/${id}`)).toMatchObject({
      status: 404,
      body: { code: 'parked-message-not-found' },
    });
    expect(await call('POST', `${PATH}/${id}/discard`, why)).toMatchObject({ status: 404 });
  });

  it('that wait behind another are no one’s to act on', async () => {
    await park('queue', 'queue');
    const [waiting] = await app
      .get(TowerModule)
      .database.query<{ id: string }>(`SELECT id FROM held_message WHERE key = 'queue' AND state = 'waiting'`);
    const refused = await call('POST', `${PATH}/${waiting!.id}/redrive`, why);
    expect(refused).toMatchObject({ status: 409, body: { code: 'message-not-parked' } });
  });

  it('are acted on once under one Idempotency-Key', async () => {
    const [id] = await park('once');
    const key = uuidv7();
    const first = await call('POST', `${PATH}/${id}/discard`, why, { key });
    expect([first, await call('POST', `${PATH}/${id}/discard`, why, { key })]).toEqual([
      { status: 204, body: {} },
      { status: 204, body: {} },
    ]);
    const other = await call('POST', `${PATH}/${id}/discard`, { reason: 'another' }, { key });
    expect(other).toMatchObject({ status: 422, body: { code: 'idempotency-key-reused' } });
  });

  let nested: unknown = {};
  for (let n = 0; n < 3_000; n += 1) nested = { nested };
  it.each([
    ['no reason', '/redrive', {}],
    ['a blank reason', '/redrive', { reason: ' ' }],
    ['no content', '/edit-and-redrive', why],
    ['a content that is no object', '/edit-and-redrive', { ...why, content: [1] }],
    ['a content without a floor', '/edit-and-redrive', { ...why, content: nested }],
    ['an unknown field', '/discard', { ...why, force: true }],
  ])('are not acted on with %s', async (_, act, body) => {
    const answer = await call('POST', `${PATH}/${uuidv7()}${act}`, body, { key: uuidv7() });
    expect(answer).toMatchObject({ status: 400, body: { code: 'validation-failed' } });
  });

  it('are not redriven all without saying so', async () => {
    expect(await call('POST', `${PATH}/redrive`, why)).toMatchObject({ status: 400 });
    expect(await call('POST', `${PATH}/redrive`, { ...why, filter: { colour: 'red' } })).toMatchObject({ status: 400 });
    expect(await call('GET', `${PATH}?colour=red`)).toMatchObject({ status: 400 });
  });

  it('are in the OpenAPI document, with every status', async () => {
    const { body } = await call('GET', '/openapi.json');
    const statusesOf = (path: string, method: string) => Object.keys(body['paths'][path][method].responses);
    expect(statusesOf(PATH, 'get')).toEqual(expect.arrayContaining(['200', '401', '403']));
    expect(statusesOf(`${PATH}/{id}`, 'get')).toEqual(expect.arrayContaining(['200', '404']));
    expect(statusesOf(`${PATH}/redrive`, 'post')).toEqual(expect.arrayContaining(['202', '400', '415']));
    expect(statusesOf(`${PATH}/{id}/redrive`, 'post')).toEqual(expect.arrayContaining(['202', '404', '409']));
    expect(statusesOf(`${PATH}/{id}/edit-and-redrive`, 'post')).toEqual(expect.arrayContaining(['202', '404', '409', '422'])); // prettier-ignore
    expect(statusesOf(`${PATH}/{id}/discard`, 'post')).toEqual(expect.arrayContaining(['204', '404', '409']));
    expect(body['paths'][PATH].get.operationId).toBe('towerParkedMessages.list');
  });
});
