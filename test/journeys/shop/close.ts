import { rmSync } from 'node:fs';
import type { EmbeddedPostgres } from '../../../libs/development/src';
import { audit } from './audit';
import type { RunningShop } from './running-shop';
import { noteFailure, sawFailure } from './witness';

declare global {
  /** What open.ts started for this run. */
  var journeys: { folder: string; postgres?: EmbeddedPostgres; shop?: RunningShop } | undefined;
}

/**
 * Jest's global teardown beside open.ts. Fails where the shop's books do not balance once everybody has left. Where
 * something failed, what the shop said is shown, and kept.
 */
export default async function close(): Promise<void> {
  const shop = globalThis.journeys?.shop;
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
  const { folder, postgres, shop } = journeys;
  try {
    await shop?.close({ keepLog: sawFailure(shop.logFile) });
    await postgres?.stop();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
