import { failpoint } from '@banyan/failpoints';
import { Database, isDatabaseAway, Transaction } from '@banyan/persistence';
import { MalformedMessage, ReceivedMessage } from './envelope';
import { OwnershipLost, SequenceBroken } from './errors';
import { Arrival, Handlers } from './handlers';
import { HeldMessages, judge, RetryRule, Verdict } from './held-messages';
import { follow, nameOf, recall, remember, Remembered, StreamName } from './stream-memory';

/** Whether the records may be taken as they come, and how the transport moves its position with them. */
export interface Progress {
  source: string;
  /** Nothing of the source was gone when the subscriber began: a stream that it does not know must begin with 1. */
  complete: boolean;
  /** What to do with a message whose predecessors are missing: give up, to read again, or park it for a person. */
  jumps: 'refuse' | 'park';
  /**
   * Called first in the handlers' transaction: false where another owner has taken over. With `whole` it moves the
   * position past the batch; without, the batch is not through yet.
   */
  advance(tx: Transaction, whole: boolean): Promise<boolean>;
}

/** What was taken for the next message of its stream is not, or must wait. */
class OutOfTurn extends Error {}

// Streams that spoke lately, by consumer: those of more are only asked for first.
const STREAMS_IN_MEMORY = 2_000;

/** Consumes for one module: each message once in effect, in order per stream, a failing one without its neighbours. */
export class Consumer {
  /** The sources that repeated something lately, as they do after a restart or a replay. */
  private readonly repeating = new Set<string>();
  /** The last sequence of streams that this consumer has had, least recently first. */
  private readonly lately = new Map<string, number>();

  constructor(
    readonly module: string,
    readonly database: Database,
    private readonly handlers: Handlers,
    private readonly held: HeldMessages,
    private readonly rule: RetryRule,
  ) {}

  /**
   * Handles a batch in one transaction; if that fails, its messages one by one, and holds those that fail again.
   * Throws OwnershipLost, SequenceBroken (nothing was done; read again from the position), or what says that the
   * database is away.
   */
  async consume(arrivals: readonly Arrival[], progress: Progress): Promise<void> {
    try {
      await this.together(arrivals, progress, true);
    } catch (error) {
      this.lately.clear();
      if (mustStop(error)) throw error;
      if (arrivals.length === 1) await this.setAside(arrivals[0] as Arrival, error, progress, true);
      else await this.oneByOne(arrivals, progress);
    }
  }

  private async oneByOne(arrivals: readonly Arrival[], progress: Progress): Promise<void> {
    const last = arrivals.length - 1;
    for (const [n, arrival] of arrivals.entries()) {
      try {
        await this.together([arrival], progress, n === last);
      } catch (error) {
        if (mustStop(error)) throw error;
        await this.setAside(arrival, error, progress, n === last);
      }
    }
  }

  private async together(arrivals: readonly Arrival[], progress: Progress, whole: boolean): Promise<void> {
    const assumed = this.lookNext(arrivals, progress.source);
    if (!assumed || !(await this.atOnce(arrivals, progress, whole))) await this.withCare(arrivals, progress, whole);
    this.noteLately(arrivals, progress.source);
    await failpoint('consumer.after-commit');
  }

  /**
   * Handles messages while the database is still being asked whether each is the next of its stream; answers false, and has
   * done nothing, where one of them is not. That saves whatever goes from module to module a round trip with each of them.
   */
  private async atOnce(arrivals: readonly Arrival[], progress: Progress, whole: boolean): Promise<boolean> {
    const due = arrivals.map((arrival) => this.handlers.read(arrival));
    try {
      await this.database.transaction(async (tx) => {
        const [taken, handled] = await Promise.allSettled([
          this.follow(tx, arrivals, progress, whole),
          this.handlers.handle(due, tx),
        ]);
        // In this order: what a handler says of a message that it should not have had is of no interest.
        if (taken.status === 'rejected') throw taken.reason;
        if (handled.status === 'rejected') throw handled.reason;
        await failpoint('consumer.after-handlers');
        await failpoint('consumer.before-commit');
      });
      return true;
    } catch (error) {
      if (error instanceof OutOfTurn) return false;
      throw error;
    }
  }

  private async withCare(arrivals: readonly Arrival[], progress: Progress, whole: boolean): Promise<void> {
    this.repeating.delete(progress.source);
    await this.database.transaction(async (tx) => {
      const streams = await this.takeOver(tx, arrivals, progress, whole);
      const due: ReceivedMessage[] = [];
      for (const arrival of arrivals) {
        const stream = streams.next(arrival);
        if (!stream) {
          this.repeating.add(progress.source);
          continue;
        }
        if (stream.jumpedFrom !== undefined) {
          await this.held.hold(tx, arrival, jumped(new SequenceBroken(arrival.at, stream.jumpedFrom)));
          stream.held = true;
          continue;
        }
        const handler = this.handlers.find(arrival.at.type);
        if (!handler && !arrival.flaw) continue;
        if (handler?.overtakes) await this.overtake(tx, arrival, stream);
        if (stream.held) await this.held.wait(tx, arrival);
        else due.push(this.handlers.read(arrival));
      }
      remember(tx, progress.source, streams.changed());
      await this.handlers.handle(due, tx);
      await failpoint('consumer.after-handlers');
      await failpoint('consumer.before-commit');
    });
  }

  /** A message that failed alone is held, and what comes after it in its stream waits. */
  private async setAside(arrival: Arrival, error: unknown, progress: Progress, whole: boolean): Promise<void> {
    await this.database.transaction(async (tx) => {
      const streams = await this.takeOver(tx, [arrival], progress, whole);
      const stream = streams.next(arrival);
      if (!stream) return;
      // Before it is tried again: it must neither wait behind what it overtakes, nor leave that lying there meanwhile.
      if (this.handlers.find(arrival.at.type)?.overtakes) await this.overtake(tx, arrival, stream);
      await this.held.hold(tx, arrival, judge(error, 0, this.rule));
      stream.held = true;
      remember(tx, progress.source, streams.changed());
    });
    await failpoint('consumer.after-hold');
  }

  private async overtake(tx: Transaction, { at }: Arrival, stream: TouchedStream): Promise<void> {
    if (stream.held) await this.held.discardStream(tx, at.source, stream, `overtaken by ${at.type}`);
    stream.held = false;
    await this.held.scrubRecord(tx, at.source, stream);
  }

  /** Whether each of these seems to be the next of its stream, and of another stream, for a handler that overtakes nothing. */
  private lookNext(arrivals: readonly Arrival[], source: string): boolean {
    if (this.repeating.has(source)) return false;
    const streams = new Set<string>();
    for (const { at, flaw } of arrivals) {
      const handler = this.handlers.find(at.type);
      const stream = `${source} ${nameOf(at)}`;
      if (flaw || !handler || handler.overtakes || at.sequence !== (this.lately.get(stream) ?? 0) + 1) return false;
      streams.add(stream);
    }
    return streams.size === arrivals.length;
  }

  private noteLately(arrivals: readonly Arrival[], source: string): void {
    for (const { at } of arrivals) {
      const stream = `${source} ${nameOf(at)}`;
      this.lately.delete(stream);
      this.lately.set(stream, at.sequence);
    }
    for (const oldest of this.lately.keys()) {
      if (this.lately.size <= STREAMS_IN_MEMORY) break;
      this.lately.delete(oldest);
    }
  }

  private async follow(
    tx: Transaction,
    arrivals: readonly Arrival[],
    progress: Progress,
    whole: boolean,
  ): Promise<void> {
    const [ours, inTurn] = await Promise.all([
      progress.advance(tx, whole),
      follow(
        tx,
        progress.source,
        arrivals.map(({ at }) => at),
      ),
    ]);
    if (!ours) throw new OwnershipLost(this.module, progress.source);
    if (!inTurn) throw new OutOfTurn();
  }

  private async takeOver(
    tx: Transaction,
    arrivals: readonly Arrival[],
    progress: Progress,
    whole: boolean,
  ): Promise<Streams> {
    // Sent together: one round trip. The position's row is locked first, which keeps a late owner out.
    const [ours, known] = await Promise.all([
      progress.advance(tx, whole),
      recall(
        tx,
        progress.source,
        arrivals.map(({ at }) => at),
      ),
    ]);
    if (!ours) throw new OwnershipLost(this.module, progress.source);
    return new Streams(known, progress);
  }
}

interface TouchedStream extends StreamName, Remembered {
  /** The last sequence before a jump, if the message just taken over jumped. */
  jumpedFrom: number | undefined;
}

/** The streams of a batch: what was remembered of them, and what will be. */
class Streams {
  private readonly touched = new Map<string, TouchedStream>();

  constructor(
    private readonly known: Map<string, Remembered>,
    private readonly rules: Pick<Progress, 'complete' | 'jumps'>,
  ) {}

  /** Takes the next message of a stream over; undefined if it is a repeat. Throws SequenceBroken on a jump that is refused. */
  next({ at, beginsLate }: Arrival): TouchedStream | undefined {
    const name = nameOf(at);
    const before = this.touched.get(name) ?? this.known.get(name);
    const seen = before?.lastSequence ?? 0;
    if (at.sequence <= seen) return undefined;
    const jumps = at.sequence > seen + 1 && (before !== undefined || (this.rules.complete && !beginsLate));
    if (jumps && this.rules.jumps === 'refuse') throw new SequenceBroken(at, seen);
    const { topic, key, sequence: lastSequence } = at;
    const stream = { topic, key, lastSequence, held: before?.held ?? false, jumpedFrom: jumps ? seen : undefined };
    this.touched.set(name, stream);
    return stream;
  }

  changed(): TouchedStream[] {
    return [...this.touched.values()];
  }
}

// These say nothing about any one message, so trying them one by one would be of no use.
function mustStop(error: unknown): boolean {
  if (error instanceof MalformedMessage) return false;
  return error instanceof OwnershipLost || error instanceof SequenceBroken || isDatabaseAway(error);
}

function jumped(error: SequenceBroken): Verdict {
  return { state: 'parked', attempts: 1, code: error.code, error: error.message, delayMs: null };
}
