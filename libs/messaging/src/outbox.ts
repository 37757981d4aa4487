import { AsyncLocalStorage } from 'node:async_hooks';
import { currentJourney, Journey } from '@banyan/telemetry';
import { failpoint } from '@banyan/failpoints';
import { statement, Transaction } from '@banyan/persistence';
import { v7 as uuidv7 } from 'uuid';
import { Outgoing, Sendable } from './definitions';
import { LoggedMessage } from './envelope';
import { CauseMissing, PublishedForAnother, PublishedOutsideTransaction, UnpublishableMessage } from './errors';

/** A message that is encoded and checked, but has no place in its stream yet. */
export interface PreparedMessage extends Omit<LoggedMessage, 'position' | 'sequence'> {
  /** How many messages of the same stream come after it in the same publish. */
  behind: number;
}

/** The place that the log gave a message. */
export interface LogPlace {
  id: string;
  position: number;
  sequence: number;
}

/** True while a handler runs; messages published then must name their cause. */
export const handling = new AsyncLocalStorage<true>();

const COLUMNS = 12;
// What every transport carries. A broker has a limit, so what works in one process must keep to it, too.
const LARGEST_BYTES = 2_097_152;

/**
 * The part of a statement that puts messages into the log: common table expressions, the last of which, `logged`, has the
 * LogPlace of each. `firstParameter` is the number of the first of the parameters that `outboxParameters` makes; `where`,
 * a condition on `m`, lets a statement publish only what its other parts accepted (whole streams only).
 * Counters are locked in the order of their keys, so that two publishers cannot block each other.
 */
export function outboxInsert(firstParameter: number, where = 'true'): string {
  const p = (offset: number) => `$${firstParameter + offset}`;
  return `message AS (
      SELECT m.*, dense_rank() OVER (ORDER BY topic, key) AS stream FROM unnest(
        ${p(0)}::text[], ${p(1)}::text[], ${p(2)}::uuid[], ${p(3)}::text[], ${p(4)}::text[], ${p(5)}::timestamptz[],
        ${p(6)}::text[], ${p(7)}::text[], ${p(8)}::text[], ${p(9)}::text[], ${p(10)}::text[], ${p(11)}::int[]
      ) WITH ORDINALITY AS m(topic, key, id, type, subject, time, correlation_id, causation_id, traceparent, tracestate, data, behind, n)
      WHERE ${where}
    ), counted AS (
      INSERT INTO stream AS s (topic, key, last_sequence)
      SELECT topic, key, count(*) FROM message GROUP BY topic, key ORDER BY topic, key
      ON CONFLICT (topic, key) DO UPDATE SET last_sequence = s.last_sequence + excluded.last_sequence
      RETURNING topic, key, last_sequence
    ), logged AS (
      INSERT INTO outbox (day, topic, key, sequence, id, type, subject, time, correlation_id, causation_id, traceparent, tracestate, data)
      -- From an array, by the stream's number: joined without a hash, as sessions are set, every pair would be looked at.
      SELECT (now() AT TIME ZONE 'UTC')::date, m.topic, m.key,
             (SELECT array_agg(last_sequence ORDER BY topic, key) FROM counted)[m.stream] - m.behind,
             m.id, m.type, m.subject, m.time, m.correlation_id, m.causation_id, m.traceparent, m.tracestate, m.data
      FROM message m ORDER BY m.n
      RETURNING id, position, sequence
    )`;
}

/** The parameters that `outboxInsert` speaks of, in its order. */
export function outboxParameters(messages: readonly PreparedMessage[]): unknown[][] {
  const columns: unknown[][] = Array.from({ length: COLUMNS }, () => new Array(messages.length));
  messages.forEach((m, row) => {
    const values = [
      m.topic, m.key, m.id, m.type, m.subject, m.time, m.correlationId, m.causationId, m.traceparent, m.tracestate, m.data, m.behind,
    ]; // prettier-ignore
    values.forEach((value, column) => ((columns[column] as unknown[])[row] = value));
  });
  return columns;
}

/** Puts messages into the log, given `outboxParameters`. */
export const publishing = statement<LogPlace>(
  'outbox.publish',
  `WITH ${outboxInsert(1)} SELECT id, position, sequence FROM logged`,
);

const scrubbing = statement<never>(
  'outbox.scrub',
  `UPDATE outbox SET data = jsonb_set(data::jsonb, $3::text[], to_jsonb($4::text), false)::text
   WHERE type = $1 AND key = ANY($2::text[])
     -- The day is that of the transaction's beginning, which may lie before the midnight that the message's time is after.
     AND day >= ($5::timestamptz AT TIME ZONE 'UTC')::date - 1`,
);

/** A module's way out: what is published here commits with the module's own data, and is handed on after that. */
export class Outbox {
  constructor(
    readonly module: string,
    /** Told of messages once they have committed, with their places. */
    private readonly onCommitted: (messages: LoggedMessage[]) => void,
    private readonly now: () => Date = () => new Date(),
  ) {}

  /**
   * Adds the messages to the caller's transaction; they leave after its commit, at least once, in order per key.
   * Throws PublishedOutsideTransaction, PublishedForAnother, CauseMissing, or UnpublishableMessage where content breaks its own schema.
   */
  async publish(tx: Transaction, messages: readonly Outgoing[]): Promise<void> {
    if (messages.length === 0) return;
    // Plain JavaScript, or a cast, may get here without a transaction.
    if (!(tx instanceof Transaction) || !tx.isOpen) {
      throw new PublishedOutsideTransaction(messages.map(({ definition }) => definition.type));
    }
    await this.publishPrepared(tx, this.prepare(messages));
  }

  /** Like `publish`, for messages whose ids had to be known beforehand. */
  async publishPrepared(tx: Transaction, prepared: readonly PreparedMessage[]): Promise<void> {
    if (prepared.length === 0) return;
    if (tx.module !== this.module) throw new PublishedForAnother(this.module, tx.module);
    let places: LogPlace[] = [];
    tx.send(publishing, outboxParameters(prepared), (rows) => (places = rows));
    tx.afterCommit(() => this.handOver(prepared, places));
    await failpoint('outbox.after-insert');
  }

  /** Encodes and checks messages for a statement that contains `outboxInsert`. The caller hands them over after its commit. */
  prepare(messages: readonly Outgoing[], journey?: Journey): PreparedMessage[] {
    const time = this.now();
    const inHandler = handling.getStore() === true;
    const behind = new Map<string, number>();
    const prepared: PreparedMessage[] = [];
    // Made in order, though the loop goes backwards: what is sorted by id is as it was sent.
    const ids = messages.map(() => uuidv7());
    for (let n = messages.length - 1; n >= 0; n -= 1) {
      const { definition, data, because } = messages[n] as Outgoing;
      if (inHandler && because === undefined) throw new CauseMissing(definition.type);
      const key = definition.keyOf(data);
      if (key === '') throw new UnpublishableMessage(definition.type, 'its key is empty');
      const stream = `${definition.topic}/${key}`;
      const after = behind.get(stream) ?? 0;
      behind.set(stream, after + 1);
      const { correlationId, causationId, traceparent, tracestate } = because
        ? { ...because, causationId: because.id }
        : (journey ?? currentJourney());
      prepared[n] = {
        topic: definition.topic,
        key,
        id: ids[n] as string,
        type: definition.type,
        subject: key,
        time,
        correlationId,
        causationId: causationId ?? null,
        traceparent: traceparent ?? null,
        tracestate: tracestate ?? null,
        data: encodeData(definition, data),
        behind: after,
      };
    }
    return prepared;
  }

  /** Hands committed messages on in memory. Those without a place were not accepted by their statement. */
  handOver(prepared: readonly PreparedMessage[], places: readonly LogPlace[]): void {
    const placeOf = new Map(places.map((place) => [place.id, place]));
    const logged: LoggedMessage[] = [];
    for (const message of prepared) {
      const place = placeOf.get(message.id);
      if (place) logged.push({ ...message, position: place.position, sequence: place.sequence });
    }
    this.onCommitted(logged);
  }

  /**
   * Replaces the text at `path` in what is kept of these streams' messages of one type: for personal data of an erased
   * person, and for secrets that are spent. `since`: no such message is older, so older days need not be searched.
   */
  async scrub(
    tx: Transaction,
    definition: Pick<Sendable, 'type'>,
    keys: readonly string[],
    path: readonly string[],
    replacement: string,
    since: Date | '-infinity' = '-infinity',
  ): Promise<void> {
    tx.send(scrubbing, [definition.type, keys, path, replacement, since]);
  }
}

function encodeData(definition: Sendable, data: unknown): string {
  const checked = definition.schema.safeParse(data);
  if (!checked.success) {
    const detail = checked.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ');
    throw new UnpublishableMessage(definition.type, detail);
  }
  const text = JSON.stringify(checked.data);
  // Measured only where it may matter: a character takes three bytes at most.
  if (text.length > LARGEST_BYTES / 3 && Buffer.byteLength(text) > LARGEST_BYTES) {
    throw new UnpublishableMessage(definition.type, `its content is larger than ${LARGEST_BYTES} bytes`);
  }
  return text;
}
