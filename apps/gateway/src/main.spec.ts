import { fork, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatTopology } from '@banyan/topology';
import { FakeApp } from '../test/fake-app';
import { topologyOf, until } from '../test/open-gateway';

const ROOT = join(__dirname, '../../..');

describe('the gateway as a process', () => {
  const folder = mkdtempSync(join(tmpdir(), 'banyan-gateway-'));
  const children: ChildProcess[] = [];
  let app: FakeApp;
  let file: string;

  beforeAll(async () => {
    const built = spawnSync(process.execPath, [join(ROOT, 'tools/ensure-built.cjs')], { stdio: 'inherit' });
    if (built.status !== 0) throw new Error('The gateway cannot be built.');
    app = await FakeApp.start('users');
    file = join(folder, 'topology.yaml');
    writeFileSync(file, formatTopology(topologyOf([app])));
  }, 120_000);
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });
  afterAll(async () => {
    await app.kill();
    rmSync(folder, { recursive: true });
  });

  function start(variables: Record<string, string>) {
    const child = fork(join(ROOT, 'dist/apps/gateway/src/main.js'), ['--supplied'], {
      execArgv: [],
      env: {
        PATH: process.env['PATH'],
        HOST: '127.0.0.1',
        PORT: '0',
        GATEWAY_ADMIN_PORT: '0',
        LOG_LEVEL: 'silent',
        ...variables,
      },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    children.push(child);
    let said = '';
    for (const stream of [child.stdout!, child.stderr!])
      stream.on('data', (bytes: Buffer) => (said += bytes.toString()));
    const ended = once(child, 'exit').then(([code]) => ({ code: code as number | null, said }));
    const listening = once(child, 'message').then(([message]) => (message as { listening: string }).listening);
    return { child, ended, listening };
  }

  it.each([
    [{}, /^TOPOLOGY_FILE is not set; .+\n$/],
    [{ TOPOLOGY_FILE: '/nowhere/topology.yaml' }, /^\/nowhere\/topology\.yaml is no topology: .+\n$/],
    [{ TOPOLOGY_FILE: join(ROOT, 'deploy/topologies/split.yaml') }, /^.+split\.yaml is no topology: .+\n$/],
    [{ PORT: 'http' }, /^.*PORT must be a whole number.+\n$/],
  ])('that cannot be says why in one line: %j', async (variables, why) => {
    const { code, said } = await start({ ...variables }).ended;
    expect([code, said]).toEqual([1, expect.stringMatching(why)]);
  });

  it('names the port that is taken', async () => {
    const port = app.address.split(':')[1] as string;
    const { code, said } = await start({ TOPOLOGY_FILE: file, PORT: port }).ended;
    expect([code, said]).toEqual([1, expect.stringMatching(new RegExp(`^Port ${port} is taken\\..+\\n$`))]);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('answers what is under way on %s, and ends well', async (signal) => {
    const { child, ended, listening } = start({ TOPOLOGY_FILE: file });
    const url = await listening;
    let answer = () => {};
    app.asked.splice(0);
    app.answer = (_request, response) => void (answer = () => void response.end('at last'));
    const asking = fetch(`${url}/api/v1/users`, { method: 'POST', body: '{}' });
    await until(() => app.asked.length === 1);
    child.kill(signal);
    await until(() =>
      fetch(`${url}/health/live`).then(
        () => false,
        () => true,
      ),
    );
    answer();
    expect(await (await asking).text()).toBe('at last');
    expect(await ended).toEqual({ code: 0, said: '' });
  });

  it('ends when whoever started it is gone', async () => {
    const { child, ended, listening } = start({ TOPOLOGY_FILE: file });
    await listening;
    child.disconnect();
    expect(await ended).toEqual({ code: 0, said: '' });
  });
});
