import { fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { projectFolder, toldToCommands } from '@banyan/development';
import { loadTopology } from '@banyan/topology';
import { freshDatabase, type FreshDatabase } from '../../test/database/database';
import { AppDidNotStart } from './app-process';
import { findTopology } from './find-topology';
import { startTopology, type RunningTopology } from './start-topology';

const START_MS = 60_000;

let folder: string;
let database: FreshDatabase;
let environment: NodeJS.ProcessEnv;

beforeAll(async () => {
  const built = spawnSync(process.execPath, [join(projectFolder(), 'tools/ensure-built.cjs')], { stdio: 'inherit' });
  if (built.status !== 0) throw new Error('The shop cannot be built.');
  folder = mkdtempSync(join(tmpdir(), 'banyan-topology-'));
  chmodSync(folder, 0o711);
  database = await freshDatabase();
  environment = { PATH: process.env['PATH'], DATABASE_URL: database.url, LOG_PRETTY: 'false', DATABASE_POOL_SIZE: '3' };
}, 120_000);

afterAll(async () => {
  await database.drop();
  rmSync(folder, { recursive: true, force: true });
});

describe('a shop that is started as a topology says', () => {
  let shop: RunningTopology;
  const told: string[] = [];

  beforeAll(async () => {
    const tell = (from: string, line: string) => void told.push(`${from}: ${line}`);
    shop = await startTopology({ topology: 'monolith', folder, port: 0, environment, tell });
  }, START_MS);

  afterAll(() => shop?.stop());

  const products = () =>
    fetch(`${shop.url}/api/v1/products?limit=1`).then(
      ({ status }) => status,
      () => 0,
    );

  it('is open behind its gateway, and nobody is led to what is internal', async () => {
    expect(await products()).toBe(200);
    expect((await fetch(`${shop.url}/internal/modules`)).status).toBe(404);
    expect((await fetch(`http://${shop.app('monolith').address}/internal/modules`)).status).toBe(200);
  });

  it('tells commands where it is, and the gateway where its apps are', () => {
    expect(toldToCommands({ BANYAN_FOLDER: folder })).toMatchObject({
      BASE_URL: shop.url,
      PAYMENT_PROVIDER_URL: shop.providerUrl,
    });
    expect(loadTopology(shop.topologyFile).apps['monolith']?.instances).toMatchObject([
      { address: shop.app('monolith').address, version: '0.1.0' },
    ]);
  });

  it(
    'starts an app again that was killed, at its address',
    async () => {
      const { address, pid } = shop.app('monolith');
      await shop.app('monolith').kill();
      await until(async () => (await products()) === 200);
      expect(shop.app('monolith')).toMatchObject({ address, pid: expect.any(Number) });
      expect(shop.app('monolith').pid).not.toBe(pid);
      expect(told).toContain('banyan: monolith ended (SIGKILL); it is started again in 0.25 s.');
    },
    START_MS,
  );

  it('says why an app does not start, and goes on without it', async () => {
    const alone = shop.startApp('payments', { modules: ['payments'] });
    await expect(alone).rejects.toThrow(AppDidNotStart);
    await expect(alone).rejects.toThrow('payments did not start: EVENT_TRANSPORT=in-process reaches nobody outside');
    expect(shop.apps.map(({ name }) => name)).toEqual(['monolith']);
    expect(await products()).toBe(200);
  });

  it(
    'goes over to an app that is started beside, without a request that fails',
    async () => {
      const { modules } = shop.app('monolith');
      await shop.startApp('second', { modules });
      const second = { modules: [...modules], resolver: 'static' as const, instances: [] };
      shop.route({ ...findTopology('monolith'), apps: { second } });
      const failed: number[] = [];
      await until(async () => {
        const status = await products();
        if (status !== 200) failed.push(status);
        return (await (await fetch(`${shop.url}/health/ready`)).text()).includes('"app":"second"');
      });
      await shop.stopApp('monolith');
      expect([...failed, await products()]).toEqual([200]);
      expect(loadTopology(shop.topologyFile).apps).toMatchObject({
        second: { instances: [{ address: shop.app('second').address }] },
      });
    },
    START_MS,
  );

  it('leaves nothing behind when it is stopped', async () => {
    const pids = [...shop.apps, shop.gateway].map(({ pid }) => pid!);
    await shop.stop();
    expect(pids.filter(isAlive)).toEqual([]);
    expect(existsSync(shop.topologyFile)).toBe(false);
    expect(toldToCommands({ BANYAN_FOLDER: folder })).toBeNull();
    expect(await products()).toBe(0);
  });
});

describe('a runner that is killed', () => {
  it(
    'takes everybody with it',
    async () => {
      const runner = fork(join(__dirname, 'test/run-and-wait.ts'), ['monolith', folder], {
        execArgv: ['--require', join(projectFolder(), 'test/run-from-source.cjs')],
        env: environment,
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      });
      const [{ pids }] = (await once(runner, 'message')) as [{ pids: number[] }];
      expect(pids).toHaveLength(3);
      runner.kill('SIGKILL');
      await until(() => pids.every((pid) => !isAlive(pid)));
    },
    START_MS,
  );
});

/** Alive and not a zombie that nobody collects. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

async function until(holds: () => unknown): Promise<void> {
  const giveUpAt = Date.now() + 20_000;
  while (!(await holds())) {
    if (Date.now() > giveUpAt) throw new Error('What the test waits for did not come.');
    await wait(50);
  }
}
