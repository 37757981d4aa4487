import { failpoint } from '@banyan/failpoints';
import { Database, isDatabaseAway, statement, Transaction } from '@banyan/persistence';
import { Logger } from '@nestjs/common';
import { MalformedMessage, readAttributes } from './envelope';
import { DependencyAway, PermanentError } from './errors';
import { Arrival, Handlers } from './handlers';
import { HeldStream, OF_STREAM, takeOut } from './held-stream';
import { nameOf, StreamName } from './stream-memory';

/*
 * Terminology
 *   held       a message that the subscriber has taken over but not handled; its stream is held with it
 *   retrying   failed, and tried again at its time
 *   parked     failed for good; a person decides
 *   waiting    behind one of the two in its stream
 */

export interface RetryRule {
  attempts: number;
  firstDelayMs: number;
  maxDelayMs: number;
}

interface HeldRow extends HeldStream {
  id: string;
  sequence: number;
  type: string;
  headers: Record<string, string>;
  data: string;
  state: 'retrying' | 'parked' | 'waiting';
  attempts: number;
  due: boolean;
}

// In case another process put something among the held messages, or was trying them and died.
const LOOK_MS = 10_000;
// A handler that hangs in one stream must not keep the others from being tried.
const AT_ONCE = 4;

const holding = statement<never>(
  'held-message.hold',
  `INSERT INTO held_message (id, source, topic, key, sequence, type, headers, data, state, attempts, error_code, error, next_attempt_at)
   VALUES ($4, $1, $2, $3, $5, $6, $7, $8, $9, $10, $11, $12, now() + $13 * interval '1 ms')`,
);

const dueStreams = statement<HeldStream & { in_ms: number }>(
  'held-message.due-streams',
  `SELECT source, topic, key, extract(epoch FROM next_attempt_at - now())::float8 * 1000 AS in_ms
   FROM held_message h
   WHERE state = 'retrying' AND NOT EXISTS (
     SELECT FROM held_message e WHERE (e.source, e.topic, e.key) = (h.source, h.topic, h.key) AND e.sequence < h.sequence)
   ORDER BY next_attempt_at LIMIT 50`,
);

// The message is locked while it is tried, and not its stream: a batch in which something of the same stream arrives goes
// on meanwhile, for the sake of its other streams.
const headOfStream = statement<HeldRow>(
  'held-message.head',
  `SELECT id, source, topic, key, sequence, type, headers, data, state, attempts, coalesce(next_attempt_at <= now(), false) AS due
   FROM held_message WHERE ${OF_STREAM} AND sequence = (SELECT min(sequence) FROM held_message WHERE ${OF_STREAM})
   FOR UPDATE SKIP LOCKED`,
);

// Another instance may have counted a failure since, or an operator redriven the message: then this verdict is out of date.
const failing = statement<{ state: string }>(
  'held-message.fail',
  `UPDATE held_message
   SET state = $5, attempts = $6, error_code = $7, error = $8, next_attempt_at = now() + $9 * interval '1 ms'
   WHERE ${OF_STREAM} AND sequence = $4 AND state = 'retrying' AND attempts = $10 RETURNING state`,
);

// What an operator wrote or changed may be about the person, and so may the reason.
const scrubbingRecord = statement<never>(
  'held-message.scrub-record',
  `UPDATE held_message_act SET original = NULL, edited = NULL, why = '[erased]' WHERE ${OF_STREAM} AND who <> 'the bus'`,
);

const forgettingContents = statement<never>(
  'held-message.forget-contents',
  `UPDATE held_message_act SET original = NULL, edited = NULL WHERE original IS NOT NULL AND at < now() - make_interval(days => $1)`,
);

const discardingStream = statement<never>(
  'held-message.discard-stream',
  `WITH gone AS (DELETE FROM held_message WHERE ${OF_STREAM} RETURNING id, source, topic, key, sequence, type)
   INSERT INTO held_message_act (act, message_id, source, topic, key, sequence, type, who, why)
   SELECT 'discarded', id, source, topic, key, sequence, type, 'the bus', $4 FROM gone`,
);

export interface Verdict {
  state: 'retrying' | 'parked';
  attempts: number;
  code: string;
  error: string;
  delayMs: number | null;
}

/** What becomes of a message whose handler failed for the `attempts`-th time. Doubling delays, a fifth of jitter. */
export function judge(
  error: unknown,
  attemptsBefore: number,
  rule: RetryRule,
  random: () => number = Math.random,
): Verdict {
  const code = String((error as { code?: unknown } | undefined)?.code ?? 'failed');
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const away = error instanceof DependencyAway || isDatabaseAway(error);
  const attempts = away ? attemptsBefore : attemptsBefore + 1;
  const permanent = error instanceof PermanentError || error instanceof MalformedMessage;
  if (permanent || (!away && attempts >= rule.attempts))
    return { state: 'parked', attempts, code, error: text, delayMs: null };
  const exponential = Math.min(rule.maxDelayMs, rule.firstDelayMs * 2 ** Math.max(0, attempts - 1));
  return { state: 'retrying', attempts, code, error: text, delayMs: exponential * (0.8 + 0.4 * random()) };
}

/** What became of trying the first message of a stream; 'none': it is not due, or somebody else is at it. */
type Outcome = 'handled' | 'failed' | 'none';

/** The messages that one subscriber holds, and the loop that tries them again. */
export class HeldMessages {
  private readonly logger = new Logger(HeldMessages.name);
  private timer: NodeJS.Timeout | undefined;
  private timerAt = Infinity;
  private looking: Promise<void> | undefined;
  /** The streams that are being tried. */
  private readonly trying = new Map<string, Promise<void>>();
  private stopped = true;

  constructor(
    private readonly subscriber: string,
    private readonly database: Database,
    private readonly handlers: Handlers,
    private readonly rule: RetryRule,
  ) {}

  start(): void {
    this.stopped = false;
    this.wakeIn(0);
  }

  /** Resolves once what is being tried has come to its end. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.looking;
    await Promise.all(this.trying.values());
  }

  /** Takes a failed message out of the flow, in the caller's transaction; the caller marks its stream as held. */
  async hold(tx: Transaction, { at, record }: Arrival, verdict: Verdict): Promise<void> {
    const { state, attempts, code, error, delayMs } = verdict;
    await tx.query(holding, [
      at.source, at.topic, at.key, at.id, at.sequence, at.type, record.headers, record.value,
      state, attempts, code, error, delayMs,
    ]); // prettier-ignore
    this.tell(at.type, at.id, verdict);
    if (delayMs !== null) tx.afterCommit(() => this.wakeIn(delayMs));
  }

  /** Puts a message behind what its stream already holds. */
  async wait(tx: Transaction, { at, record }: Arrival): Promise<void> {
    await tx.query(holding, [
      at.source, at.topic, at.key, at.id, at.sequence, at.type, record.headers, record.value,
      'waiting', 0, null, null, null,
    ]); // prettier-ignore
  }

  /** Looks at once for what is due, for whoever has just made something so. */
  wake(): void {
    this.wakeIn(0);
  }

  /** Takes out of the record of a stream whatever operators wrote into it. */
  async scrubRecord(tx: Transaction, source: string, stream: StreamName): Promise<void> {
    await tx.query(scrubbingRecord, [source, stream.topic, stream.key]);
  }

  /** Lets the record forget the contents of edits that are older; what was done, by whom and why stays. */
  async forgetContents(days: number): Promise<void> {
    await this.database.query(forgettingContents, [days]);
  }

  /** Discards all that a stream holds, content and all, and records it. */
  async discardStream(tx: Transaction, source: string, stream: StreamName, why: string): Promise<void> {
    await tx.query(discardingStream, [source, stream.topic, stream.key, why]);
  }

  private tell(type: string, id: string, { state, attempts, error }: Verdict): void {
    const what = `${this.subscriber} could not handle ${type} ${id} (attempt ${attempts}): ${error}`;
    if (state === 'parked') this.logger.error(`${what}. Parked; its stream waits.`);
    else this.logger.warn(`${what}. It will be tried again.`);
  }

  private wakeIn(milliseconds: number): void {
    const at = Date.now() + milliseconds;
    if (this.stopped || at >= this.timerAt) return;
    clearTimeout(this.timer);
    this.timerAt = at;
    this.timer = setTimeout(() => {
      this.timerAt = Infinity;
      this.looking = (this.looking ?? Promise.resolve()).then(() => this.look());
    }, milliseconds);
  }

  /** Begins to try what is due, a few streams at a time, and sees to it that what falls due later is looked at then. */
  private async look(): Promise<void> {
    if (this.stopped) return;
    let next = LOOK_MS;
    try {
      for (const stream of await this.database.query(dueStreams)) {
        const name = `${stream.source} ${nameOf(stream)}`;
        if (this.trying.has(name)) continue;
        if (stream.in_ms > 0) {
          next = Math.min(next, stream.in_ms);
          break;
        }
        // Whichever of those at work ends first looks again.
        if (this.trying.size >= AT_ONCE) break;
        this.trying.set(
          name,
          this.tryStream(stream).finally(() => this.trying.delete(name)),
        );
      }
    } catch (error) {
      this.logger.warn(`Held messages of ${this.subscriber} must wait: ${(error as Error).message}`);
      next = this.rule.firstDelayMs;
    }
    this.wakeIn(next);
  }

  private async tryStream(stream: HeldStream): Promise<void> {
    try {
      let outcome: Outcome = 'handled';
      while (outcome === 'handled' && !this.stopped) outcome = await this.tryHead(stream);
      this.wakeIn(outcome === 'none' ? this.rule.firstDelayMs : 0);
    } catch (error) {
      this.logger.warn(`A held message of ${this.subscriber} must wait: ${(error as Error).message}`);
      this.wakeIn(this.rule.firstDelayMs);
    }
  }

  private async tryHead({ source, topic, key }: HeldStream): Promise<Outcome> {
    const name = [source, topic, key];
    let tried: HeldRow | undefined;
    try {
      return await this.database.transaction(async (tx): Promise<Outcome> => {
        tried = undefined;
        const [head] = await tx.query(headOfStream, name);
        if (!head || head.state !== 'retrying' || !head.due) return 'none';
        tried = head;
        const record = { topic, key, headers: head.headers, value: head.data };
        await this.handlers.handle([this.handlers.read({ at: readAttributes(record), record })], tx);
        await failpoint('held-message.after-handler');
        await takeOut(tx, head, head.sequence);
        return 'handled';
      });
    } catch (error) {
      if (!tried) throw error;
      await this.failed(tried, error);
      return 'failed';
    }
  }

  private async failed(head: HeldRow, error: unknown): Promise<void> {
    const verdict = judge(error, head.attempts, this.rule);
    const { state, attempts, code, error: text, delayMs } = verdict;
    const [counted] = await this.database.query(failing, [
      head.source, head.topic, head.key, head.sequence, state, attempts, code, text, delayMs, head.attempts,
    ]); // prettier-ignore
    if (counted) this.tell(head.type, head.id, verdict);
    if (delayMs !== null) this.wakeIn(delayMs);
  }
}
