import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedPostgres } from '../../../libs/development/src';
import { takeDown } from './close';
import { DATABASE_SERVER, RunningShop } from './running-shop';
import { handOver, shopFromEnvironment } from './shop';

/**
 * Jest's global setup of the journeys: one shop for all of them, with a PostgreSQL and a payment provider of its own,
 * so that two runs side by side share nothing. JOURNEYS_BASE_URL makes them visit a shop that runs already.
 */
export default async function open(): Promise<void> {
  const visited = shopFromEnvironment();
  if (visited) return handOver(visited);

  const built = spawnSync(process.execPath, [join(__dirname, '../../../tools/ensure-built.cjs')], { stdio: 'inherit' });
  if (built.status !== 0) throw new Error('The shop cannot be built.');

  const folder = mkdtempSync(join(tmpdir(), 'banyan-journeys-'));
  // Root's PostgreSQL runs as an unprivileged user, who has to get in.
  chmodSync(folder, 0o711);
  globalThis.journeys = { folder };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => void takeDown().finally(() => process.exit(1)));
  }
  try {
    const postgres = await startEmbeddedPostgres({ folder: join(folder, 'postgres'), database: 'postgres' });
    globalThis.journeys.postgres = postgres;
    process.env[DATABASE_SERVER] = postgres.url;
    const shop = await RunningShop.open();
    globalThis.journeys.shop = shop;
    const { baseUrl, admin, databaseUrls, providerUrl, logFile } = shop;
    handOver({ baseUrl, admin, databaseUrls, providerUrl, logFile });
  } catch (error) {
    await takeDown();
    throw error;
  }
}
