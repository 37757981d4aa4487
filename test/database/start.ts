import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdtempSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedPostgres } from '../../libs/development/src';

/**
 * Jest's global setup of the suites that need PostgreSQL: one server per run, in a folder of its own, so that two runs
 * side by side share nothing. TEST_DATABASE_URL, the URL of a superuser, makes them use that server instead.
 */
export default async function start(): Promise<void> {
  if (process.env['TEST_DATABASE_URL']) return;
  const folder = mkdtempSync(join(tmpdir(), 'banyan-test-'));
  // Root's PostgreSQL runs as an unprivileged user, who has to get in.
  chmodSync(folder, 0o711);
  const postgres = await startEmbeddedPostgres({ folder, database: 'postgres' });
  process.env['TEST_DATABASE_URL'] = postgres.url;
  globalThis.testPostgres = { folder, guard: guard(folder), ...postgres };
}

/** Ends the server and removes its folder when this process is gone, however it went: its end of the pipe closes then. */
function guard(folder: string): ChildProcess {
  const script = `cat
    kill -INT "$(head -n 1 "$1/data/postmaster.pid")"
    while [ -e "$1/data/postmaster.pid" ]; do sleep 0.1; done
    rm -rf "$1"`;
  const shell = spawn('/bin/sh', ['-c', script, 'sh', folder], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  shell.unref();
  (shell.stdin as Socket).unref();
  return shell;
}
