import { Database, Transaction } from '@banyan/persistence';
import { beginJourney, inJourney } from '@banyan/telemetry';
import { Outgoing } from './definitions';
import { Outbox } from './outbox';
import { OutboxPartitions } from './outbox-partitions';
import { tellPublished } from './presence';

/** One thing that is announced again, and where the page after it begins. */
export interface AnnouncedAgain {
  cursor: string;
  message: Outgoing;
}

/**
 * How a module announces again, in full, what it has announced of its own: for subscribers that came when the log's
 * beginning was gone, or lost what they had. Handlers of such events are upserts.
 */
export interface Announcer {
  /** What it announces, in the plural: `products`. */
  of: string;
  /**
   * Up to `limit` of them as they are now, in an order of their own, from after `after`. Locks what it reads (FOR SHARE at
   * least), so that no change can be announced before what it changes.
   */
  page(tx: Transaction, after: string | null, limit: number): Promise<AnnouncedAgain[]>;
}

// Short enough to hold locks for a moment only, long enough to be fast.
const PAGE = 500;

/**
 * Announces again all that the announcer knows of, page by page through the outbox, each page in a transaction of its own.
 * Interrupted, it has announced a part, and may simply be begun again. All messages share the answered correlation id.
 */
export async function republish(
  database: Database,
  outbox: Outbox,
  announcer: Announcer,
  onProgress: (announced: number) => void = () => undefined,
): Promise<{ announced: number; correlationId: string }> {
  // A log that nobody opened for long has no partition for today.
  await new OutboxPartitions(database).makeAhead(new Date());
  const journey = beginJourney();
  let announced = 0;
  let after: string | null = null;
  for (;;) {
    const page: AnnouncedAgain[] = await inJourney(journey, () =>
      database.transaction(async (tx) => {
        const found = await announcer.page(tx, after, PAGE);
        await outbox.publish(
          tx,
          found.map(({ message }) => message),
        );
        return found;
      }),
    );
    announced += page.length;
    await tellPublished(database);
    onProgress(announced);
    const last = page.at(-1);
    if (!last || page.length < PAGE) return { announced, correlationId: journey.correlationId };
    after = last.cursor;
  }
}
