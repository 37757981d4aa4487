import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedPostgres, startKafka } from '../../../libs/development/src';
import { takeDown } from './close';
import { KAFKA_OF_THE_RUN, placeShops, TOPOLOGY } from './placements';
import { DATABASE_SERVER } from './premises';
import { openShop } from './running-shop';
import { handOver, shopFromEnvironment } from './shop';

/**
 * Jest's global setup of the journeys: one shop for all of them, with a PostgreSQL and a payment provider of its own,
 * so that two runs side by side share nothing. JOURNEYS_TOPOLOGY has it placed as a topology says, behind a gateway;
 * JOURNEYS_BASE_URL makes them visit a shop that runs already.
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
    const topology = process.env[TOPOLOGY];
    if (topology) await place(topology, folder);
    const open = await openShop();
    globalThis.journeys.open = open;
    const { baseUrl, admin, databaseUrls, providerUrl, logFile } = open.shop;
    handOver({ baseUrl, admin, databaseUrls, providerUrl, logFile });
  } catch (error) {
    await takeDown();
    throw error;
  }
}

/** Has the shops of this run placed so, with one Kafka for all of them where they need one. */
async function place(name: string, folder: string): Promise<void> {
  // Only where it is needed: with it comes every module of the shop.
  const { findTopology } =
    // eslint-disable-next-line @typescript-eslint/no-require-imports
    require('../../../tools/topology/find-topology') as typeof import('../../../tools/topology/find-topology');
  const { transport, databases } = findTopology(name);
  placeShops({ topology: name, transport, databases });
  // Some journeys change to a topology that needs one, wherever they begin.
  const given = process.env['KAFKA_BROKERS'];
  const kafka = given ? undefined : await startKafka({ folder: join(folder, 'kafka'), tell: () => undefined });
  if (kafka && globalThis.journeys) globalThis.journeys.kafka = kafka;
  process.env[KAFKA_OF_THE_RUN] = given ?? kafka!.brokers.join(',');
}
