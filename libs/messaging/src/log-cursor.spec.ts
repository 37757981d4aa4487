import fc from 'fast-check';
import type { Database } from '@banyan/persistence';
import type { LoggedMessage } from './envelope';
import { LogCursor } from './log-cursor';

const LIFETIME_MS = 30_000;

/** A log in memory: what is committed can be read, as the statement 'outbox.read' would. */
class Log {
  readonly committed = new Map<number, LoggedMessage>();
  now = 0;
  /** What the latest read asked for. */
  asked: unknown[] = [];

  readonly database = {
    transactionTimeoutMs: LIFETIME_MS,
    // Answers later than it looks: what happens in between is not in it.
    query: async (_: unknown, values: unknown[] = []) => {
      this.asked = values;
      const [firsts, lasts, , above, , limit] = values as [number[], number[], string, number, string, number];
      const rising = [...this.committed.values()].sort((a, b) => a.position - b.position);
      const inGaps = rising.filter(({ position }) =>
        firsts.some((first, n) => first <= position && position <= (lasts[n] as number)),
      );
      const news = rising.filter(({ position }) => position > above);
      const rows = [...inGaps.slice(0, limit), ...news.slice(0, limit)].map((message) => ({
        ...message,
        since: 'today',
      }));
      await new Promise((resolve) => setImmediate(resolve));
      return rows;
    },
  } as unknown as Database;

  cursor(from = 0): LogCursor {
    return new LogCursor(this.database, from, () => this.now);
  }

  commit(position: number, key: string, sequence: number): LoggedMessage {
    const message = { position, topic: 'post.events', key, sequence } as LoggedMessage;
    this.committed.set(position, message);
    return message;
  }
}

const positions = ({ messages }: { messages: LoggedMessage[] }) => messages.map(({ position }) => position);

describe('a cursor on a log whose positions are given out before commit', () => {
  let log: Log;
  let cursor: LogCursor;
  beforeEach(() => {
    log = new Log();
    cursor = log.cursor();
  });

  it('given consecutive positions, reads them and settles up to the last', async () => {
    log.commit(1, 'a', 1);
    log.commit(2, 'b', 1);
    expect(positions(await cursor.read(10))).toEqual([1, 2]);
    expect(cursor.floor).toBe(2);
  });

  it('given a missing position, goes on past it, but does not claim it', async () => {
    log.commit(1, 'a', 1);
    log.commit(3, 'b', 1);
    expect(positions(await cursor.read(10))).toEqual([1, 3]);
    expect(cursor.floor).toBe(1);
    expect(cursor.hasGaps).toBe(true);
  });

  it('when what was missing appears, reads it and nothing twice', async () => {
    log.commit(3, 'b', 1);
    await cursor.read(10);
    log.commit(2, 'a', 1);
    expect(positions(await cursor.read(10))).toEqual([2]);
    expect(cursor.floor).toBe(0);
    log.commit(1, 'c', 1);
    expect(positions(await cursor.read(10))).toEqual([1]);
    expect(cursor.floor).toBe(3);
    expect(cursor.hasGaps).toBe(false);
  });

  it('settles what is missing only once no transaction can be as old, and only by a read that began after that', async () => {
    log.commit(2, 'a', 1);
    await cursor.read(10);
    log.now = LIFETIME_MS;
    await cursor.read(10);
    expect(cursor.floor).toBe(0);
    log.now = LIFETIME_MS + 5_001;
    expect(cursor.floor).toBe(0);
    await cursor.read(10);
    expect(cursor.floor).toBe(2);
  });

  it('keeps a hundred thousand missing positions as one stretch', async () => {
    log.commit(100_000, 'a', 1);
    await cursor.read(10);
    await cursor.read(10);
    expect(log.asked.slice(0, 2)).toEqual([[1], [99_999]]);
  });

  it('reads no more than it is asked to, and says that there is more', async () => {
    for (let position = 1; position <= 25; position += 1) log.commit(position, 'a', position);
    expect(await cursor.read(10)).toMatchObject({ more: true });
    expect(await cursor.read(10)).toMatchObject({ more: true });
    expect(positions(await cursor.read(10))).toEqual([21, 22, 23, 24, 25]);
  });

  it('gives up no gap whose messages it has not had room to read', async () => {
    log.commit(1_000, 'z', 1);
    await cursor.read(10);
    for (let position = 1; position <= 20; position += 1) log.commit(position, `${position}`, 1);
    log.now = 2 * LIFETIME_MS;
    expect(await cursor.read(10)).toMatchObject({ more: true });
    expect(positions(await cursor.read(10))).toEqual([11, 12, 13, 14, 15, 16, 17, 18, 19, 20]);
  });

  it('reads no news while a gap has more to give than there is room for, since that may belong before it', async () => {
    await cursor.read(1);
    cursor.offer(log.commit(3, 'b', 1));
    log.commit(1, 'x', 1);
    log.commit(2, 'a', 1);
    log.commit(4, 'a', 2);
    expect(positions(await cursor.read(1))).toEqual([1]);
    expect(positions(await cursor.read(1))).toEqual([2]);
    expect(positions(await cursor.read(1))).toEqual([4]);
  });

  it('looks for what is missing also in the days before that of what came after it', async () => {
    log.commit(2, 'a', 1);
    await cursor.read(10);
    await cursor.read(10);
    expect(log.asked[2]).toBe('-infinity');
    expect(log.asked[4]).toBe('today');
  });

  describe('when a message is handed over in memory', () => {
    beforeEach(() => cursor.read(10));

    it('takes the first of a stream, and the next of one that it knows', () => {
      expect(cursor.offer(log.commit(1, 'a', 1))).toBe('next');
      expect(cursor.offer(log.commit(2, 'a', 2))).toBe('next');
      expect(cursor.floor).toBe(2);
    });

    it('leaves to the log what may have a predecessor that it has not seen', async () => {
      expect(cursor.offer(log.commit(2, 'a', 2))).toBe('unsure');
      log.commit(1, 'a', 1);
      expect(positions(await cursor.read(10))).toEqual([1, 2]);
    });

    it('knows what it has seen', async () => {
      const message = log.commit(1, 'a', 1);
      await cursor.read(10);
      expect(cursor.offer(message)).toBe('seen');
    });

    it('takes one that fills a gap', () => {
      const late = log.commit(1, 'a', 1);
      cursor.offer(log.commit(2, 'b', 1));
      expect(cursor.floor).toBe(0);
      expect(cursor.offer(late)).toBe('next');
      expect(cursor.floor).toBe(2);
    });

    it('leaves everything to the log while that has not been read to its end', async () => {
      for (let position = 1; position <= 15; position += 1) log.commit(position, 'a', position);
      await cursor.read(10);
      expect(cursor.offer(log.commit(16, 'b', 1))).toBe('unsure');
      await cursor.read(10);
      expect(cursor.offer(log.commit(17, 'c', 1))).toBe('next');
    });
  });
});

/*
 * The model: writers that hold a stream's counter until they commit or roll back, positions taken in between, commits
 * told in memory or not, late or never, reads that see a snapshot and answer later, a clock, and restarts.
 */
type Brief = { do: 'end'; writer: number } | { do: 'tell' } | { do: 'wait'; ms: number };
type Step =
  | Brief
  | { do: 'write'; key: number; rollBack: boolean; told: boolean }
  | { do: 'read'; limit: number; meanwhile: Brief[] }
  | { do: 'restart' };

const end = fc.record({ do: fc.constant('end' as const), writer: fc.nat(5) });
const tell = fc.constant({ do: 'tell' as const });
const wait = fc.record({
  do: fc.constant('wait' as const),
  ms: fc.constantFrom(LIFETIME_MS / 3, LIFETIME_MS, LIFETIME_MS + 6_000),
});
const write = fc.record({
  do: fc.constant('write' as const),
  key: fc.nat(2),
  rollBack: fc.constantFrom(false, false, false, true),
  told: fc.boolean(),
});
const read = fc.record({
  do: fc.constant('read' as const),
  limit: fc.integer({ min: 1, max: 4 }),
  meanwhile: fc.array<Brief>(fc.oneof(end, tell, wait), { maxLength: 4 }),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: write },
  { weight: 6, arbitrary: end },
  { weight: 4, arbitrary: tell },
  { weight: 4, arbitrary: read },
  { weight: 2, arbitrary: wait },
  { weight: 1, arbitrary: fc.constant({ do: 'restart' as const }) },
);

interface Writer {
  key: string;
  position: number;
  began: number;
  rollBack: boolean;
  told: boolean;
}

class Model {
  readonly log = new Log();
  cursor = this.log.cursor();
  private nextPosition = 1;
  private readonly counters = new Map<string, number>();
  private writers: Writer[] = [];
  private untold: LoggedMessage[] = [];
  /** What a subscriber with a memory has taken over of each stream. */
  readonly heard = new Map<string, number>();

  private write(key: string, rollBack: boolean, told: boolean): void {
    // The counter's row is locked by whoever writes to the stream until its end.
    if (this.writers.some((writer) => writer.key === key)) return;
    this.writers.push({ key, position: this.nextPosition, began: this.log.now, rollBack, told });
    this.nextPosition += 1;
  }

  private end(index: number): void {
    const [writer] = this.writers.splice(index % Math.max(1, this.writers.length), 1);
    if (!writer || writer.rollBack || this.log.now - writer.began > LIFETIME_MS) return;
    const sequence = (this.counters.get(writer.key) ?? 0) + 1;
    this.counters.set(writer.key, sequence);
    const message = this.log.commit(writer.position, writer.key, sequence);
    if (writer.told) this.untold.push(message);
  }

  private tell(): void {
    const message = this.untold.shift();
    if (message && this.cursor.offer(message) === 'next') this.hear([message]);
  }

  async take(step: Step): Promise<void> {
    switch (step.do) {
      case 'write':
        return this.write(`${step.key}`, step.rollBack, step.told);
      case 'end':
        return this.end(step.writer);
      case 'tell':
        return this.tell();
      case 'wait':
        return this.wait(step.ms);
      case 'restart':
        return this.restart();
      case 'read': {
        const reading = this.cursor.read(step.limit);
        for (const brief of step.meanwhile) await this.take(brief);
        return this.hear((await reading).messages);
      }
    }
  }

  /** The server ends transactions that live too long. */
  private wait(ms: number): void {
    this.log.now += ms;
    this.writers = this.writers.filter(({ began }) => this.log.now - began <= LIFETIME_MS);
  }

  private restart(): void {
    this.cursor = this.log.cursor(this.cursor.floor);
  }

  async drain(): Promise<void> {
    while (this.writers.length > 0) this.end(0);
    for (;;) {
      const { messages, more } = await this.cursor.read(3);
      this.hear(messages);
      if (!more) return;
    }
  }

  lost(): string[] {
    return [...this.counters].filter(([key, last]) => this.heard.get(key) !== last).map(([key]) => key);
  }

  private hear(messages: LoggedMessage[]): void {
    for (const { key, sequence } of messages) {
      const last = this.heard.get(key) ?? 0;
      // What is read again after a restart is dropped by the subscriber's memory; anything else must be the next.
      if (sequence > last + 1) throw new Error(`${key} jumps from ${last} to ${sequence}`);
      this.heard.set(key, Math.max(last, sequence));
    }
  }
}

test('whatever commits, rolls back, is told, read or restarted in whatever order: nothing is lost, no stream reordered', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 60, size: 'max' }), async (steps) => {
      const model = new Model();
      for (const next of steps) await model.take(next);
      await model.drain();
      expect(model.lost()).toEqual([]);
    }),
    { numRuns: 2_000 },
  );
});
