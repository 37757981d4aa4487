import { rmSync } from 'node:fs';
import type { EmbeddedPostgres } from '../../../libs/development/src';
import type { RunningShop } from './running-shop';
import { sawFailure } from './witness';

declare global {
  /** What open.ts started for this run. */
  var journeys: { folder: string; postgres?: EmbeddedPostgres; shop?: RunningShop } | undefined;
}

/** Jest's global teardown beside open.ts. Where a journey failed, what the shop said is shown, and kept. */
export default async function close(): Promise<void> {
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
