import { performance } from 'node:perf_hooks';
import { Logger } from '@nestjs/common';
import { Database, statement } from '@banyan/persistence';
import { LoggedMessage } from './envelope';
import { BusStopped, OwnershipLost, SequenceBroken } from './errors';
import { LogCursor } from './log-cursor';
import { Ownership } from './ownership';
import { News } from './presence';
import { nameOf } from './stream-memory';

// A batch this large has nearly the throughput of any larger one, and its commit is still short.
const BATCH = 500;
// What waits in memory beyond this is read from the log instead when its turn comes.
const QUEUE = 5_000;
// How soon a gap is looked at again, how soon a position that moved over nothing of the destination's is kept, and how soon
// the log is looked at for no reason: the safety net for those whose notification was lost.
const GAP_POLL_MS = 1_000;
const KEEP_MS = 2_000;
const POLL_MS = 10_000;
// How often somebody who waits for the destination is told how far its owner has come.
const FOLLOW_MS = 250;
const AWAY_FIRST_MS = 200;
const AWAY_MAX_MS = 5_000;

const dropped = statement<{ through: number }>('outbox.dropped', 'SELECT through FROM outbox_dropped');
const latest = statement<{ position: number }>(
  'outbox.latest',
  'SELECT coalesce(max(position), 0) AS position FROM outbox',
);

/** Where a feed carries a log to. */
export interface Destination {
  /** A subscriber's module, or a topic as Kafka knows it. */
  readonly name: string;
  /** The topics of the source that go there. */
  readonly topics: ReadonlySet<string>;
  /** Takes it over, where nobody else has it; `begin` is where one starts that has never begun. */
  take(begin: { position: number; complete: boolean }): Promise<Ownership | undefined>;
  /** How far it has come, whoever carries; undefined if it never began. */
  position(): Promise<number | undefined>;
  /**
   * Carries a batch, after which everything up to `settled` is through; answers the position that is stored now. `again`:
   * a batch has broken its stream's order, and the log has been read again since. Throws OwnershipLost, SequenceBroken, or
   * what says that something is away.
   */
  carry(batch: readonly LoggedMessage[], owned: Ownership, settled: number, again: boolean): Promise<number>;
  /** Moves the position over what does not concern it. Throws OwnershipLost. */
  keep(owned: Ownership, position: number): Promise<void>;
  /** The log is read anew from a position: what was carried may come again. */
  rewound(): void;
}

export interface FeedParts {
  /** The module whose log is read, and its database. */
  source: { module: string; database: Database };
  destination: Destination;
  /** Called when this instance finds that it owns the destination no more: what it was handed, the owner must read. */
  lost(): void;
}

export type FeedState = 'stopped' | 'waiting' | 'running' | 'away';

/** Somebody who waits for the destination to be past what was committed when they came. */
interface Waiter {
  /** The log has been read to its end since. */
  asked: boolean;
  /** The end of the log since, where another instance consumes it. */
  end: number | undefined;
  done(): void;
  fail(error: Error): void;
}

/** Carries one publisher's log to one destination: from memory where it can, from the log where it must. */
export class Feed {
  private readonly logger: Logger;
  private stopped = false;
  private finished: Promise<void> | undefined;
  private cursor: LogCursor | undefined;
  private queue: LoggedMessage[] = [];
  private mustRead = true;
  private wake: (() => void) | undefined;
  /** When the log was last read, by the monotonic clock. */
  private readAt = -Infinity;
  /** The position that is stored. */
  private kept = 0;
  /** Under which this instance consumes. */
  private epoch = 0;
  private putBack = false;
  private awaiting: Waiter[] = [];
  private current: FeedState = 'stopped';

  constructor(private readonly parts: FeedParts) {
    this.logger = new Logger(`feed ${parts.source.module} → ${parts.destination.name}`);
  }

  get state(): FeedState {
    return this.current;
  }

  get destination(): string {
    return this.parts.destination.name;
  }

  get source(): string {
    return this.parts.source.module;
  }

  start(): void {
    this.stopped = false;
    this.finished = this.run();
  }

  /** Finishes the batch under way and takes no other. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.wake?.();
    await this.finished;
  }

  /** Messages that the source has just committed in this process. */
  offer(messages: readonly LoggedMessage[]): void {
    const { cursor } = this;
    if (!cursor) return;
    for (const message of messages) {
      if (this.queue.length >= QUEUE) this.mustRead = true;
      else {
        const place = cursor.offer(message);
        if (place === 'next') this.enqueue(message);
        if (place === 'unsure') this.mustRead = true;
      }
    }
    if (this.mustRead || this.queue.length > 0) this.wake?.();
  }

  /** What other instances say of the source, or of whoever consumes it; see News. */
  hear(news: News): void {
    if (news === 'published') this.mustRead = true;
    if (this.current === (news === 'published' ? 'running' : 'waiting')) this.wake?.();
  }

  /** What the database says of our ownership: under a later epoch than ours, the destination has been put back meanwhile. */
  confirm(epoch: number | undefined): void {
    if (epoch === undefined || epoch <= this.epoch) return;
    this.putBack = true;
    this.wake?.();
  }

  /**
   * Resolves once all that was committed when it was called has been carried: by this instance, or by the one that owns
   * the destination. Waits while a database is away; throws BusStopped if the bus stops first.
   */
  async caughtUp(): Promise<void> {
    if (this.stopped) throw new BusStopped();
    await new Promise<void>((done, fail) => {
      this.awaiting.push({ asked: false, end: undefined, done, fail });
      this.mustRead = true;
      this.wake?.();
    });
  }

  private enqueue(message: LoggedMessage): void {
    // Other topics' messages only count as seen: their positions are no gaps.
    if (this.parts.destination.topics.has(message.topic)) this.queue.push(message);
  }

  private async run(): Promise<void> {
    let failures = 0;
    while (!this.stopped) {
      try {
        const owned = await this.take();
        if (owned) {
          this.current = 'running';
          await this.consumeAll(owned, () => (failures = 0));
        } else {
          this.current = 'waiting';
          await this.followOwner();
          await this.pause(this.awaiting.length > 0 ? FOLLOW_MS : POLL_MS);
        }
      } catch (error) {
        if (error instanceof OwnershipLost) {
          this.logger.warn(error.message);
          this.parts.lost();
        } else {
          this.current = 'away';
          failures += 1;
          const reason = (error as Error).message || String((error as { code?: unknown }).code);
          // Once, as long as it goes on.
          if (failures === 1) this.logger.warn(`waits: ${reason}`);
          else this.logger.debug(`still waits: ${reason}`);
          await this.pause(Math.min(AWAY_MAX_MS, AWAY_FIRST_MS * 2 ** failures));
        }
      } finally {
        this.cursor = undefined;
        this.queue = [];
      }
    }
    this.current = 'stopped';
    for (const { fail } of this.awaiting.splice(0)) fail(new BusStopped());
  }

  private async take(): Promise<Ownership | undefined> {
    const [{ through } = { through: 0 }] = await this.parts.source.database.query(dropped);
    const begin = { position: through, complete: through === 0 };
    const owned = await this.parts.destination.take(begin);
    if (!owned) return undefined;
    this.epoch = owned.epoch;
    this.putBack = false;
    return { ...owned, position: Math.max(owned.position, through) };
  }

  private async followOwner(): Promise<void> {
    if (this.awaiting.length === 0) return;
    const [last] = await this.parts.source.database.query(latest);
    for (const waiter of this.awaiting) waiter.end ??= last?.position ?? 0;
    const position = (await this.parts.destination.position()) ?? 0;
    this.tell(({ end }) => end !== undefined && end <= position);
  }

  private async consumeAll(owned: Ownership, progressed: () => void): Promise<void> {
    let brokenAt: string | undefined;
    this.begin(owned.position);
    while (!this.stopped) {
      if (this.putBack) throw new OwnershipLost(this.destination, this.source);
      const polling = this.nextPollIn() <= 0;
      if ((this.mustRead || polling) && this.queue.length < QUEUE) await this.read();
      if (this.queue.length === 0) {
        if (!this.mustRead) this.tell(({ asked }) => asked);
        if (polling) await this.keepPosition(owned);
        // A message of no concern moves the position and wakes nobody, so it is seen here; that asks the database nothing.
        if (!this.mustRead && this.queue.length === 0) await this.pause(Math.min(KEEP_MS, this.nextPollIn()));
        continue;
      }
      const batch = this.queue.splice(0, BATCH);
      try {
        await this.carry(batch, owned, brokenAt !== undefined);
        brokenAt = undefined;
        progressed();
      } catch (error) {
        const broken = error instanceof SequenceBroken ? nameOf(error.at) : undefined;
        if (broken === undefined || broken === brokenAt) throw error;
        // The log itself is the witness: what is missing there too must wait for a person.
        this.logger.warn(`${(error as Error).message} Reading again.`);
        brokenAt = broken;
        this.begin(await this.storedPosition(owned));
      }
    }
    await this.keepPosition(owned);
  }

  private begin(position: number): void {
    this.cursor = new LogCursor(this.parts.source.database, position);
    this.parts.destination.rewound();
    this.kept = position;
    this.queue = [];
    this.mustRead = true;
  }

  private async storedPosition(owned: Ownership): Promise<number> {
    return (await this.parts.destination.position()) ?? owned.position;
  }

  private async read(): Promise<void> {
    this.mustRead = false;
    this.readAt = performance.now();
    for (const waiter of this.awaiting) waiter.asked = true;
    const { messages, more } = await (this.cursor as LogCursor).read(BATCH);
    for (const message of messages) this.enqueue(message);
    if (more) {
      this.mustRead = true;
      for (const waiter of this.awaiting) waiter.asked = false;
    }
  }

  private async carry(batch: LoggedMessage[], owned: Ownership, again: boolean): Promise<void> {
    this.kept = await this.parts.destination.carry(batch, owned, this.settledPosition(), again);
  }

  /** Where nothing comes that concerns the destination, its position follows the log all the same, at a slow pace. */
  private async keepPosition(owned: Ownership): Promise<void> {
    const position = this.settledPosition();
    if (position <= this.kept) return;
    await this.parts.destination.keep(owned, position);
    this.kept = position;
  }

  /** Up to where everything is settled and nothing waits in the queue any more. */
  private settledPosition(): number {
    let position = (this.cursor as LogCursor).floor;
    for (const waiting of this.queue) position = Math.min(position, waiting.position - 1);
    return position;
  }

  private tell(isThere: (waiter: Waiter) => boolean): void {
    const told = this.awaiting.filter(isThere);
    this.awaiting = this.awaiting.filter((waiter) => !told.includes(waiter));
    for (const { done } of told) done();
  }

  /** The safety net is due by the clock and not by silence: what another process commits must not wait for ours to pause. */
  private nextPollIn(): number {
    const { hasGaps, floor } = this.cursor as LogCursor;
    const interval = hasGaps ? GAP_POLL_MS : this.queue.length === 0 && floor > this.kept ? KEEP_MS : POLL_MS;
    return Math.max(0, this.readAt + interval - performance.now());
  }

  /** Until somebody wakes us, the time is over, or the feed stops. */
  private async pause(milliseconds: number): Promise<void> {
    if (this.stopped) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.wake = undefined;
  }
}
