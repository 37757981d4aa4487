import { performance } from 'node:perf_hooks';
import { Database, statement } from '@banyan/persistence';
import { LoggedMessage } from './envelope';

/*
 * Reading a log whose positions are given out before commit.
 *
 * A position comes from a sequence, so a higher one can become visible before a lower one, and some never come (rolled
 * back). "Everything above the last" would skip what commits late; waiting for the oldest transaction of the server
 * would stall behind strangers. So the cursor goes on past a missing position and remembers it:
 *
 *   high    the highest position seen
 *   gap     a position below it that has not been seen
 *   floor   every position up to it is settled; what a subscriber stores
 *
 * Order holds all the same: the counter of a stream is locked until commit, so nothing that is missing can belong before
 * something visible of the same stream. A gap is settled when its message appears, or once it is older than any
 * transaction may live.
 */

// Transactions die a little after their time, and reading takes a moment.
const MARGIN_MS = 5_000;
// Per stream that spoke lately; a stream that is forgotten costs one read of the log.
const STREAMS_REMEMBERED = 20_000;
const DAY_MS = 86_400_000;

interface LogRow {
  position: number;
  topic: string;
  key: string;
  sequence: number;
  id: string;
  type: string;
  subject: string;
  time: Date;
  correlation_id: string;
  causation_id: string | null;
  traceparent: string | null;
  tracestate: string | null;
  data: string;
}

const FIELDS = `position, topic, key, sequence, id, type, subject, time, correlation_id, causation_id, traceparent, tracestate, data`;

// One statement, so that gaps and news are read from one snapshot: nothing can show up between the two.
const reading = statement<LogRow>(
  'outbox.read',
  `(SELECT ${FIELDS} FROM outbox WHERE position = ANY($1::bigint[]) AND day >= $4::date)
   UNION ALL
   (SELECT ${FIELDS} FROM outbox WHERE position > $2 AND day >= $4::date ORDER BY position LIMIT $3)`,
);

export class LogCursor {
  private high: number;
  /** Missing position → when it was missed (monotonic clock, so that a stepped wall clock settles nothing). */
  private readonly gaps = new Map<number, number>();
  /** Stream → the last sequence seen, least recently used first. */
  private readonly lastOfStream = new Map<string, number>();
  private since: Date | '-infinity' = '-infinity';

  constructor(
    private readonly database: Database,
    from: number,
    private readonly clock: () => number = () => performance.now(),
  ) {
    this.high = from;
  }

  /** Every position up to this one is settled. */
  get floor(): number {
    // Gaps are found in rising order, so the first one kept is the lowest.
    for (const lowest of this.gaps.keys()) return lowest - 1;
    return this.high;
  }

  get hasGaps(): boolean {
    return this.gaps.size > 0;
  }

  /**
   * Takes a message that its publisher hands over in memory, if it is provably the next of its stream. 'unsure' means
   * that the log must be read: another instance, or a commit whose answer is still on its way, may have come before.
   */
  offer(message: LoggedMessage): 'next' | 'seen' | 'unsure' {
    if (!this.isNew(message.position)) return 'seen';
    const stream = `${message.topic}/${message.key}`;
    if (message.sequence !== 1 && this.lastOfStream.get(stream) !== message.sequence - 1) return 'unsure';
    this.settle(message, stream);
    return 'next';
  }

  /** Reads up to `limit` new messages, and whatever has appeared in gaps, in an order that keeps every stream's. */
  async read(limit: number): Promise<{ messages: LoggedMessage[]; more: boolean }> {
    const startedAt = this.clock();
    const asked = [...this.gaps.keys()];
    const above = this.high;
    const rows = await this.database.query(reading, [asked, above, limit, this.since]);
    rows.sort((a, b) => a.position - b.position);
    const messages: LoggedMessage[] = [];
    for (const row of rows) {
      if (!this.isNew(row.position)) continue;
      const message = messageOf(row);
      this.settle(message, `${message.topic}/${message.key}`);
      messages.push(message);
    }
    this.giveUpGaps(asked, startedAt);
    return { messages, more: rows.filter(({ position }) => position > above).length >= limit };
  }

  private isNew(position: number): boolean {
    return position > this.high || this.gaps.has(position);
  }

  private settle(message: LoggedMessage, stream: string): void {
    const { position } = message;
    if (position > this.high) {
      const now = this.clock();
      for (let missing = this.high + 1; missing < position; missing += 1) this.gaps.set(missing, now);
      this.high = position;
      // A writer's day is that of its beginning, which may lie before midnight when its commit does not.
      this.since = new Date(message.time.getTime() - DAY_MS);
    } else {
      this.gaps.delete(position);
    }
    this.lastOfStream.delete(stream);
    this.lastOfStream.set(stream, message.sequence);
    if (this.lastOfStream.size > STREAMS_REMEMBERED) {
      for (const oldest of this.lastOfStream.keys()) {
        this.lastOfStream.delete(oldest);
        break;
      }
    }
  }

  /** Settles the gaps among `asked` that were old enough before the read began and did not appear in it. */
  private giveUpGaps(asked: number[], readStartedAt: number): void {
    const longest = this.database.transactionTimeoutMs + MARGIN_MS;
    for (const position of asked) {
      const missedAt = this.gaps.get(position);
      if (missedAt !== undefined && readStartedAt - missedAt > longest) this.gaps.delete(position);
    }
  }
}

function messageOf(row: LogRow): LoggedMessage {
  const { correlation_id: correlationId, causation_id: causationId, ...rest } = row;
  return { ...rest, correlationId, causationId };
}
