import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Client } from 'pg';
import { FolderInUse, PostgresDidNotStart, startEmbeddedPostgres, type EmbeddedPostgres } from './index';

// Only root has another account to give the server, and only root can become an ordinary user for a test.
const root = process.getuid?.() === 0;
const told: string[] = [];
const started: EmbeddedPostgres[] = [];
let folder: string;

const start = async (where = folder) => {
  const postgres = await startEmbeddedPostgres({ folder: where, tell: (line) => told.push(line) });
  started.push(postgres);
  return postgres;
};

beforeEach(() => {
  told.length = 0;
  folder = reachableFolder();
});

afterEach(async () => {
  for (const postgres of started.splice(0)) await postgres.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('the embedded PostgreSQL', () => {
  it('keeps its data from one start to the next', async () => {
    const first = await start();
    await query(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
    await first.stop();

    const second = await start();
    expect(await query(second.url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
  });

  it('listens on 127.0.0.1 alone, asks for a password, and trades no durability for speed', async () => {
    const { url } = await start();
    expect(
      await query(
        url,
        `SELECT name, setting FROM pg_settings WHERE name IN ('listen_addresses', 'fsync', 'synchronous_commit', 'full_page_writes') ORDER BY name`,
      ),
    ).toEqual([
      { name: 'fsync', setting: 'on' },
      { name: 'full_page_writes', setting: 'on' },
      { name: 'listen_addresses', setting: '127.0.0.1' },
      { name: 'synchronous_commit', setting: 'on' },
    ]);
    await expect(query(withPassword(url, 'guessed'), 'SELECT 1')).rejects.toThrow('password authentication failed');
    expect(statSync(join(folder, 'password')).mode & 0o777).toBe(0o600);
  });

  it('is started again on its port when it is killed, with everything that was committed', async () => {
    const postgres = await start();
    await query(postgres.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
    process.kill(postgres.pid(), 'SIGKILL');

    await until(() => told.length > 0);
    expect(told).toEqual([expect.stringContaining('was started again')]);
    expect(await query(postgres.url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
  });

  it('is no obstacle after it was killed together with the process that had started it', async () => {
    const owner = await startInOtherProcess(folder);
    await query(owner.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
    await kill(owner.process);
    process.kill(owner.pid, 'SIGKILL');

    const { url } = await start();
    expect(await query(url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
  });

  it('is adopted when only the process that had started it was killed', async () => {
    const owner = await startInOtherProcess(folder);
    await kill(owner.process);

    const adopter = await start();
    expect({ url: adopter.url, pid: adopter.pid() }).toEqual({ url: owner.url, pid: owner.pid });
    await adopter.stop();
    expect(isAlive(owner.pid)).toBe(false);
  });

  it('is looked after once adopted, like one of our own', async () => {
    const owner = await startInOtherProcess(folder);
    await kill(owner.process);
    const adopter = await start();
    process.kill(adopter.pid(), 'SIGKILL');

    await until(() => told.length > 0);
    expect(told).toEqual([expect.stringContaining('was started again')]);
    expect(await query(adopter.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('is replaced when it was left over and does not answer any more', async () => {
    const owner = await startInOtherProcess(folder);
    await query(owner.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
    await kill(owner.process);
    process.kill(owner.pid, 'SIGSTOP');

    const { url, pid } = await start();
    expect(pid()).not.toBe(owner.pid);
    expect(await query(url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
    expect(told).toEqual([expect.stringContaining(`process ${owner.pid}) does not answer: replaced`)]);
  }, 30_000);

  it('is not deceived by a pid file whose number another program has by now', async () => {
    await (await start()).stop();
    const claimed = [process.pid, join(folder, 'data'), 0, 5432, '', '127.0.0.1', '', 'ready'];
    writeFileSync(join(folder, 'data', 'postmaster.pid'), claimed.join('\n'));

    await expect(start()).resolves.toMatchObject({ url: expect.stringContaining('127.0.0.1') });
  });

  it('has one owner at a time; the other is told in one line whom to stop', async () => {
    const owner = await startInOtherProcess(folder);
    const refusal = await start().catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(FolderInUse);
    expect((refusal as Error).message).toContain(`process ${owner.process.pid}`);
    expect((refusal as Error).message).not.toContain('\n');
    await kill(owner.process);
    await start();
  });

  it('ends when the process that started it comes to its end without stopping it', async () => {
    const owner = await startInOtherProcess(folder);
    owner.process.send('exit');
    await until(() => !isAlive(owner.pid));
  });

  it('refuses the data of another major version in one line', async () => {
    await (await start()).stop();
    writeFileSync(join(folder, 'data', 'PG_VERSION'), '17\n');
    await expect(start()).rejects.toThrow(PostgresDidNotStart);
    await expect(start()).rejects.toThrow('made by PostgreSQL 17');
  });

  (root ? it : it.skip)('runs as an unprivileged user when we are root', async () => {
    const postgres = await start();
    expect(statSync(`/proc/${postgres.pid()}`).uid).not.toBe(0);
  });

  (root ? it : it.skip)('moves to a place that its user can reach when ours is closed, and says so', async () => {
    const closed = join(folder, 'closed');
    mkdirSync(closed, { mode: 0o700 });
    const postgres = await start(join(closed, '.banyan', 'postgres'));
    await query(postgres.url, 'SELECT 1');
    expect(told).toEqual([expect.stringMatching(/its data is in \/var\/lib\/banyan\//)]);
    await postgres.stop();
    rmSync(String(told[0]?.split('its data is in ')[1]?.replace(/\.$/, '')), { recursive: true });
  });

  (root ? it : it.skip)('runs just the same for an ordinary user', async () => {
    chmodSync(folder, 0o777);
    const owner = await startInOtherProcess(join(folder, 'own'), { uid: 65534, gid: 65534 });
    expect(await query(owner.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(existsSync(join(folder, 'own', 'data'))).toBe(true);
    owner.process.send('exit');
    await until(() => !isAlive(owner.pid));
  });
});

function reachableFolder(): string {
  const made = mkdtempSync(join(tmpdir(), 'banyan-embedded-'));
  // Root's PostgreSQL runs as an unprivileged user, who has to get in.
  chmodSync(made, 0o711);
  return made;
}

/** A Node of its own that starts the server, tells where, and waits to be killed. */
async function startInOtherProcess(
  where: string,
  account = {},
): Promise<{ process: ChildProcess; url: string; pid: number }> {
  const child = fork(join(__dirname, '../test/start-and-wait.ts'), [where], {
    execArgv: ['--require', join(__dirname, '../../../test/run-from-source.cjs')],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    ...account,
  });
  const [told] = (await once(child, 'message')) as [{ url: string; pid: number }];
  return { process: child, ...told };
}

async function kill(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query(sql)).rows as unknown[];
  } finally {
    await client.end();
  }
}

function withPassword(url: string, password: string): string {
  const other = new URL(url);
  other.password = password;
  return other.href;
}

/** Alive and not a zombie that nobody collects. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

async function until(holds: () => unknown): Promise<void> {
  const giveUpAt = Date.now() + 15_000;
  while (!(await holds())) {
    if (Date.now() > giveUpAt) throw new Error('What the test waits for did not come.');
    await wait(20);
  }
}
