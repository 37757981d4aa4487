import { performance } from 'node:perf_hooks';
import { Database, statement } from '@banyan/persistence';
import { LoggedMessage } from './envelope';

/*
 * Reading a log whose positions are given out before commit.
 *
 * A position comes from a sequence, so a higher one can become visible before a lower one, and some never come (rolled
 * back). "Everything above the last" would skip what commits late; waiting for the oldest transaction of the server
 * would stall behind strangers. So the cursor goes on past missing positions and remembers them:
 *
 *   high    the highest position seen
 *   gap     positions next to one another below it that have not been seen
 *   floor   every position up to it is settled; what a subscriber stores
 *
 * Order holds all the same: the counter of a stream is locked until commit, so nothing that is missing can belong before
 * something visible of the same stream. A gap is settled when its messages appear, or once it is older than any
 * transaction may live.
 */

// Transactions die a little after their time, and reading takes a moment.
const MARGIN_MS = 5_000;
// Per stream that spoke lately; a stream that is forgotten costs one read of the log.
const STREAMS_REMEMBERED = 20_000;

interface Gap {
  first: number;
  last: number;
  /** By the monotonic clock, so that a stepped wall clock settles nothing. */
  missedAt: number;
  /** No message of the gap can lie in an earlier partition than this day's. */
  since: string;
}

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
  since: string;
}

// A writer's day is that of its beginning, which may lie before midnight when its commit does not.
const FIELDS = `o.position, o.topic, o.key, o.sequence, o.id, o.type, o.subject, o.time, o.correlation_id, o.causation_id,
                o.traceparent, o.tracestate, o.data, (o.day - 1)::text AS since`;

/**
 * Gaps and news in one statement, and so from one snapshot: nothing can show up between the two. Each gap is looked up on
 * its own, since the planner would rather walk the whole log along all gaps.
 */
export const readingLog = statement<LogRow>(
  'outbox.read',
  `(SELECT found.* FROM unnest($1::bigint[], $2::bigint[]) AS gap(first, last), LATERAL (
      SELECT ${FIELDS} FROM outbox o
      WHERE o.position BETWEEN gap.first AND gap.last AND o.day >= $3::date ORDER BY o.position LIMIT $6) AS found
    ORDER BY found.position LIMIT $6)
   UNION ALL
   (SELECT ${FIELDS} FROM outbox o WHERE o.position > $4 AND o.day >= $5::date ORDER BY o.position LIMIT $6)`,
);

export class LogCursor {
  private high: number;
  /** In rising order. */
  private gaps: Gap[] = [];
  /** Stream → the last sequence seen, least recently used first. */
  private readonly lastOfStream = new Map<string, number>();
  /** No message above `high` can lie in an earlier partition than this day's. */
  private since = '-infinity';
  private atEnd = false;

  constructor(
    private readonly database: Pick<Database, 'query' | 'transactionTimeoutMs'>,
    from: number,
    private readonly clock: () => number = () => performance.now(),
  ) {
    this.high = from;
  }

  /** Every position up to this one is settled. */
  get floor(): number {
    const [lowest] = this.gaps;
    return lowest ? lowest.first - 1 : this.high;
  }

  get hasGaps(): boolean {
    return this.gaps.length > 0;
  }

  /**
   * Takes a message that its publisher hands over in memory, if it is provably the next of its stream. 'unsure' means
   * that the log must be read: another instance, or a commit whose answer is still on its way, may have come before.
   */
  offer(message: LoggedMessage): 'next' | 'seen' | 'unsure' {
    if (!this.isNew(message.position)) return 'seen';
    // While there is a backlog, what is new waits its turn in the log instead of jumping the queue.
    if (!this.atEnd) return 'unsure';
    const stream = `${message.topic}/${message.key}`;
    if (message.sequence !== 1 && this.lastOfStream.get(stream) !== message.sequence - 1) return 'unsure';
    this.settle(message, stream);
    return 'next';
  }

  /** Reads up to `limit` new messages, and as many that have appeared in gaps, in an order that keeps every stream's. */
  async read(limit: number): Promise<{ messages: LoggedMessage[]; more: boolean }> {
    const startedAt = this.clock();
    const above = this.high;
    const rows = await this.database.query(readingLog, [
      this.gaps.map(({ first }) => first),
      this.gaps.map(({ last }) => last),
      this.gaps[0]?.since ?? this.since,
      above,
      this.since,
      limit,
    ]);
    const news = rows.filter(({ position }) => position > above);
    const late = rows.filter(({ position }) => position <= above);
    // What a gap still has to give may belong before the news of its stream.
    const taken = late.length < limit ? [...late, ...news] : late;
    const messages: LoggedMessage[] = [];
    for (const row of taken.sort((a, b) => a.position - b.position)) {
      if (!this.isNew(row.position)) continue;
      const message = messageOf(row);
      this.settle(message, `${message.topic}/${message.key}`);
      messages.push(message);
    }
    const last = taken.at(-1);
    if (last && last.position > above) this.since = last.since;
    if (late.length < limit) this.giveUpGaps(startedAt);
    const more = late.length >= limit || news.length >= limit;
    this.atEnd = !more;
    return { messages, more };
  }

  private isNew(position: number): boolean {
    return position > this.high || this.gapWith(position) >= 0;
  }

  /** The index of the gap that a position lies in; -1 if in none. */
  private gapWith(position: number): number {
    let low = 0;
    let end = this.gaps.length;
    while (low < end) {
      const middle = (low + end) >>> 1;
      if ((this.gaps[middle] as Gap).last < position) low = middle + 1;
      else end = middle;
    }
    const gap = this.gaps[low];
    return gap && gap.first <= position ? low : -1;
  }

  private settle(message: LoggedMessage, stream: string): void {
    const { position } = message;
    if (position > this.high) {
      if (position > this.high + 1) {
        this.gaps.push({ first: this.high + 1, last: position - 1, missedAt: this.clock(), since: this.since });
      }
      this.high = position;
    } else {
      const index = this.gapWith(position);
      const gap = this.gaps[index] as Gap;
      const before = { ...gap, last: position - 1 };
      const after = { ...gap, first: position + 1 };
      this.gaps.splice(index, 1, ...[before, after].filter(({ first, last }) => first <= last));
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

  /** Settles the gaps that were old enough before the read began, and so would have appeared in it if ever. */
  private giveUpGaps(readStartedAt: number): void {
    const longest = this.database.transactionTimeoutMs + MARGIN_MS;
    this.gaps = this.gaps.filter(({ missedAt }) => readStartedAt - missedAt <= longest);
  }
}

function messageOf(row: LogRow): LoggedMessage {
  const { correlation_id: correlationId, causation_id: causationId, since: _, ...rest } = row;
  return { ...rest, correlationId, causationId };
}
