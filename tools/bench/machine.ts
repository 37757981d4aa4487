import { spawnSync } from 'node:child_process';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import { findPgbench } from './reference/pgbench';
import type { House } from './house';

export type Machine = Record<string, string>;

/** What the figures were measured on and with. */
export async function machineOf(house: House): Promise<Machine> {
  const [server] = await house.sql<Record<'version' | 'fsync' | 'synchronous_commit', string>>(
    'postgres',
    `SELECT current_setting('server_version') AS version, current_setting('fsync') AS fsync,
            current_setting('synchronous_commit') AS synchronous_commit`,
  );
  const pgbench = findPgbench();
  return {
    date: new Date().toISOString(),
    commit: `${said('git', 'rev-parse', '--short', 'HEAD')}${said('git', 'status', '--porcelain') ? ' and changes' : ''}`,
    processor: `${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown'}`,
    memory: `${Math.round(totalmem() / 1024 ** 3)} GB`,
    system: `${process.platform} ${release()}`,
    node: process.version,
    postgresql: `${server?.version}, fsync ${server?.fsync}, synchronous_commit ${server?.synchronous_commit}`,
    pgbench: pgbench ? said(pgbench, '--version') : 'missing',
    load: `${loadavg()[0]?.toFixed(2)} when the bench began`,
  };
}

function said(command: string, ...args: string[]): string {
  return (spawnSync(command, args, { encoding: 'utf8' }).stdout ?? '').trim();
}
