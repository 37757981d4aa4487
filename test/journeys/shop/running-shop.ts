import { audit } from './audit';
import { keepLog } from './kept-log';
import { OneProcess } from './one-process';
import { SHUTDOWN_MS, START_MS } from './own-processes';
import { placementOfTheRun, whatIsMissing, type Need } from './placements';
import { Premises } from './premises';
import { keepBooks } from './records';
import { skippedLoudly, type Differently, type RunningShop } from './shop';
import type {} from './witness';

export type { RunningShop } from './shop';

// The audit waits half a minute for a quiet moment.
const AUDIT_MS = 60_000;

/** A shop of this run, and how to be rid of it. */
export interface OpenShop {
  shop: RunningShop;
  /** Stops it and takes away everything that it had, but for its log where that is to be kept, and its books where they are. */
  close(options: { keepLog: boolean }): Promise<void>;
}

/** A shop that is ready, placed as this run places its shops. Whatever was begun is undone where it does not become so. */
export async function openShop(differently: Differently = {}, needs: readonly Need[] = []): Promise<OpenShop> {
  const premises = await Premises.take();
  const { topology } = placementOfTheRun();
  try {
    const shop =
      topology === null
        ? await OneProcess.open(premises, differently)
        : await placedShops().open(premises, { topology, ownBroker: needs.includes('a broker') }, differently);
    const close = async (options: { keepLog: boolean }) => {
      const { databaseUrls } = shop;
      await shop.close();
      if (options.keepLog) keepLog(shop.logFile);
      await keepBooks(databaseUrls);
      await premises.leave();
    };
    return { shop, close };
  } catch (error) {
    keepLog(premises.logFile);
    await premises.leave();
    throw error;
  }
}

// Only where they are needed: with them comes every module of the shop.
// eslint-disable-next-line @typescript-eslint/no-require-imports
const placedShops = () => (require('./placed-shop') as typeof import('./placed-shop')).PlacedShop;

/** Whether journeys can open shops of their own; where they visit one that somebody else runs, they cannot. */
const canOpen = process.env['JOURNEYS_BASE_URL'] === undefined;

/**
 * Journeys that need a shop of their own, to start it differently or to kill it; skipped loudly where there can be none, or
 * where shops are placed so that they lack what the journey needs.
 */
export function inAShopOfItsOwn(
  story: string,
  differently: Differently,
  tell: (shop: () => RunningShop) => void,
  needs: readonly Need[] = [],
): void {
  const missing = canOpen
    ? whatIsMissing(needs)
    : 'it needs a shop of its own, and JOURNEYS_BASE_URL names one that runs already';
  if (missing !== null) {
    skippedLoudly(`${story}: ${missing}.`);
    describe.skip(story, () => tell(() => undefined as never));
    return;
  }
  describe(story, () => {
    let opening: Promise<OpenShop>;
    let open: OpenShop | undefined;
    beforeAll(async () => {
      opening = openShop(differently, needs);
      open = await opening;
    }, START_MS);
    // Also one that took too long to open, which is open by now or soon.
    afterAll(async () => {
      const late = await opening.catch(() => undefined);
      await late?.close({ keepLog: globalThis.journeyFailed === true });
    }, SHUTDOWN_MS * 5);
    tell(() => open!.shop);
    test('and afterwards its books balance', () => audit(open!.shop), AUDIT_MS);
  });
}
