import { fork, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { productVersion } from '@banyan/lifetime';
import { freshDatabase, type FreshDatabase } from '../../../test/database/database';
import { version } from '../../../package.json';

const ROOT = join(__dirname, '../../..');
const started: ChildProcess[] = [];
let database: FreshDatabase;

beforeAll(async () => {
  const built = spawnSync(process.execPath, [join(ROOT, 'tools/ensure-built.cjs')], { stdio: 'inherit' });
  if (built.status !== 0) throw new Error('The apps cannot be built.');
  database = await freshDatabase();
}, 120_000);

afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
});

afterAll(() => database.drop());

function start(app: string, environment: Record<string, string> = {}) {
  const child = fork(join(ROOT, 'dist/apps', app, 'src/main.js'), ['--supplied'], {
    execArgv: [],
    env: {
      PATH: process.env['PATH'],
      PORT: '0',
      HOST: '127.0.0.1',
      DATABASE_URL: database.url,
      LOG_LEVEL: 'silent',
      ...environment,
    },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  started.push(child);
  let said = '';
  child.stderr!.on('data', (bytes: Buffer) => (said += bytes.toString()));
  // Not `close`, which never comes where this side has closed the channel.
  const ended = Promise.all([once(child, 'exit'), once(child.stderr!, 'end')]);
  return { child, ended: ended.then(([[code]]) => ({ code: code as number | null, said })) };
}

async function listening(child: ChildProcess): Promise<string> {
  const [message] = (await once(child, 'message')) as [{ listening: string }];
  return message.listening;
}

describe('an app', () => {
  it.each([
    ['users', {}, 'EVENT_TRANSPORT=in-process reaches nobody outside this app, and users alone is not the whole shop'],
    ['monolith', { MODULES: 'users,orders' }, 'users, orders alone are not the whole shop'],
    [
      'monolith',
      { MODULES: 'users,reviews' },
      'MODULES names reviews; this app has users, inventory, payments, orders',
    ],
    ['orders', { EVENT_TRANSPORT: 'kafka' }, 'KAFKA_BROKERS is not set'],
  ])('that cannot be says why in one line: %s %j', async (app, environment, why) => {
    const { code, said } = await start(app, environment).ended;
    expect(code).toBe(1);
    expect(said).toContain(why);
    expect(said.trim()).not.toContain('\n');
  });

  it('names the port that is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const { code, said } = await start('monolith', { PORT: String(port) }).ended;
    other.close();
    expect([code, said]).toEqual([
      1,
      `Port ${port} is taken. Stop what listens there, or choose another, such as PORT=3001.\n`,
    ]);
  });

  it('tells whoever started it where it listens, and what it hosts, and ends when that one is gone', async () => {
    const { child, ended } = start('monolith');
    const url = await listening(child);
    const hosting = (await (await fetch(`${url}/internal/modules`)).json()) as { app: string; version: string };
    expect(hosting).toMatchObject({ app: 'monolith', version: productVersion() });
    expect(productVersion()).toBe(version);
    child.disconnect();
    expect(await ended).toEqual({ code: 0, said: '' });
  });
});
