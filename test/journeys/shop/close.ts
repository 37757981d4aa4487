import { rmSync } from 'node:fs';
import type { EmbeddedPostgres, KafkaCluster } from '../../../libs/development/src';
import { audit } from './audit';
import type { OpenShop } from './running-shop';
import { noteFailure, sawFailure } from './witness';

declare global {
  /** What open.ts started for this run. */
  var journeys: { folder: string; postgres?: EmbeddedPostgres; kafka?: KafkaCluster; open?: OpenShop } | undefined;
}

/**
 * Jest's global teardown beside open.ts. Fails where the shop's books do not balance once everybody has left. Where
 * something failed, what the shop said is shown, and kept.
 */
export default async function close(): Promise<void> {
  const shop = globalThis.journeys?.open?.shop;
  try {
    if (shop) await audit(shop);
  } catch (error) {
    if (shop) noteFailure(shop.logFile);
    throw error;
  } finally {
    await takeDown();
  }
}

/** Stops what open.ts started, as far as it came, and takes it away. */
export async function takeDown(): Promise<void> {
  const { journeys } = globalThis;
  if (!journeys) return;
  globalThis.journeys = undefined;
  const { folder, postgres, kafka, open } = journeys;
  try {
    await open?.close({ keepLog: sawFailure(open.shop.logFile) });
    await kafka?.stop();
    await postgres?.stop();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
