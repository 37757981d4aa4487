import { chmodSync, mkdtempSync } from 'node:fs';
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
  globalThis.testPostgres = { folder, ...postgres };
}
