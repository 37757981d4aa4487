import { chmodSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Client } from 'pg';
import { FolderInUse, joinDevelopment, keptAdmin, startDevelopment, toldToCommands, type Development } from './index';
import { startPaymentProvider } from './payment-provider';

let folder: string;
let started: { stop(): Promise<void> }[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'banyan-development-'));
  // Root's PostgreSQL runs as an unprivileged user, who has to get in.
  chmodSync(folder, 0o711);
  started = [];
});

afterEach(async () => {
  for (const each of started) await each.stop();
  rmSync(folder, { recursive: true, force: true });
});

const start = async (env: NodeJS.ProcessEnv): Promise<Development> => {
  const development = await startDevelopment({ BANYAN_FOLDER: folder, ...env }, () => undefined);
  started.push(development);
  return development;
};

const given = {
  DATABASE_URL: 'postgres://elsewhere/banyan',
  PAYMENT_PROVIDER_URL: 'http://elsewhere',
  ADMIN_EMAIL: 'me@shop.example',
  ADMIN_PASSWORD: 'a password of my own',
  SIGNING_KEY_SECRET: 'a secret of my own, long enough to be one',
};

describe('development', () => {
  it('supplies nothing that the environment says', async () => {
    expect((await start(given)).env).toEqual({});
  });

  it('supplies a database where none is named', async () => {
    const { env } = await start({ ...given, DATABASE_URL: '' });
    expect(env).toEqual({ DATABASE_URL: expect.stringMatching(/^postgres:\/\/.*@127\.0\.0\.1:\d+\/banyan$/) });
  });

  it('supplies a database for each module that shall have its own, beside the one of all', async () => {
    const env = { ...given, DATABASE_URL: '', BANYAN_FOLDER: folder, USERS_DATABASE_URL: 'postgres://elsewhere/users' };
    const needs = { databasesFor: ['users', 'orders'] };
    const first = await startDevelopment(env, () => undefined, needs);
    await first.stop();
    // They are there already this time.
    const development = await startDevelopment(env, () => undefined, needs);
    started.push(development);
    expect(development.env).toEqual({
      DATABASE_URL: expect.stringMatching(/\/banyan$/),
      ORDERS_DATABASE_URL: expect.stringMatching(/\/banyan_orders$/),
    });
    const client = new Client({ connectionString: development.env['ORDERS_DATABASE_URL'] });
    await client.connect();
    await client.end();
  });

  it('lets commands know what the shop has told it', async () => {
    const { tellCommands, env } = await start({ ...given, ADMIN_PASSWORD: '' });
    tellCommands({ BASE_URL: 'http://127.0.0.1:4711' });
    expect(toldToCommands({ BANYAN_FOLDER: folder })).toEqual({ ...env, BASE_URL: 'http://127.0.0.1:4711' });
  });

  it('makes up an admin and a secret once, and keeps them from other eyes', async () => {
    const first = await start({ ...given, ADMIN_EMAIL: '', ADMIN_PASSWORD: '', SIGNING_KEY_SECRET: '' });
    await first.stop();
    const second = await start({ ...given, ADMIN_EMAIL: '', ADMIN_PASSWORD: '', SIGNING_KEY_SECRET: '' });

    expect(second.env).toEqual(first.env);
    expect(first.env).toMatchObject({
      ADMIN_EMAIL: 'admin@banyan.example',
      ADMIN_PASSWORD: keptAdmin(folder).password,
    });
    expect(first.env['ADMIN_PASSWORD']?.length).toBeGreaterThanOrEqual(12);
    for (const file of ['admin.json', 'signing-key-secret.json', 'running.json']) {
      expect(statSync(join(folder, file)).mode & 0o777).toBe(0o600);
    }
  });

  it('leaves a folder to the one shop that runs in it', async () => {
    const first = await start(given);
    await expect(start(given)).rejects.toThrow(FolderInUse);
    await first.stop();
    await start(given);
  });

  it('is joined by commands beside the shop, and started for them where no shop runs', async () => {
    const shop = await start({ ...given, ADMIN_PASSWORD: '' });
    const joined = await joinDevelopment({ BANYAN_FOLDER: folder });
    expect(joined.env).toEqual(shop.env);
    await joined.stop();
    await expect(start(given)).rejects.toThrow(FolderInUse);

    await shop.stop();
    const alone = await joinDevelopment({ BANYAN_FOLDER: folder, ...given });
    started.push(alone);
    await expect(start(given)).rejects.toThrow(FolderInUse);
  });
});

describe('the payment provider as a child', () => {
  it('is started again on its port when it is killed, and is gone when stopped', async () => {
    const told: string[] = [];
    const provider = await startPaymentProvider({
      folder: join(folder, 'provider'),
      program: join(__dirname, '../../../apps/payment-provider/src/main.ts'),
      execArgv: ['--require', join(__dirname, '../../../test/run-from-source.cjs')],
      tell: (line) => told.push(line),
    });
    started.push(provider);
    const books = () => fetch(`${provider.url}/books`).then((answer) => answer.status);
    expect(await books()).toBe(200);

    process.kill(provider.pid() as number, 'SIGKILL');
    while (told.length === 0) await wait(20);
    expect(told).toEqual([expect.stringContaining('was started again')]);
    expect(await books()).toBe(200);

    await provider.stop();
    await expect(books()).rejects.toThrow();
  });
});
