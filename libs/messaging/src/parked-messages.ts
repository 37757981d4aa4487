import { Database, statement, Transaction } from '@banyan/persistence';
import { masked, unmasked } from './content-mask';
import { Subscription } from './definitions';
import { MalformedMessage, readAttributes } from './envelope';
import { ContentRefused, MessageNotParked, ParkedMessageNotFound } from './errors';
import { dataFor } from './handlers';
import { HeldStream, takeOut } from './held-stream';
import { OperatorAct } from './operator-act';

/** Which parked messages: those that match everything given. Nothing given matches all. */
export interface ParkedFilter {
  /** The wire name. */
  type?: string | undefined;
  /** The key of the stream. */
  key?: string | undefined;
  /** The code of the error that parked it. */
  errorCode?: string | undefined;
  /** Held at this time or later. */
  heldSince?: Date | undefined;
}

/** A message that a subscriber holds, without its content. */
export interface ParkedMessage extends HeldStream {
  id: string;
  type: string;
  sequence: number;
  /** Parked, or, once it was redriven, retrying; waiting where another of its stream stands before it. */
  state: 'parked' | 'retrying' | 'waiting';
  attempts: number;
  errorCode: string | null;
  error: string | null;
  heldAt: Date;
  /** How many messages of its stream wait behind it. */
  waitingBehind: number;
}

/** What was done with a message by hand, or by an erasure. */
export interface RecordedAct extends OperatorAct {
  at: Date;
  act: 'redriven' | 'edited' | 'discarded' | 'replayed';
  /** The content before and after an edit, its secrets masked; null otherwise, and once an erasure or time has taken it. */
  original: unknown;
  edited: unknown;
}

export interface InspectedMessage extends ParkedMessage {
  /** The attributes of the envelope, as they came. */
  headers: Readonly<Record<string, string>>;
  /** As JSON where it is JSON, else the text that came; secrets of the subscription are masked. */
  content: unknown;
  /** What was done with it before, oldest first. */
  acts: RecordedAct[];
}

interface HeldContent extends HeldStream {
  type: string;
  sequence: number;
  headers: Record<string, string>;
  data: string;
}

const MATCHES = `state = 'parked' AND ($1::text IS NULL OR type = $1) AND ($2::text IS NULL OR key = $2)
  AND ($3::text IS NULL OR error_code = $3) AND ($4::timestamptz IS NULL OR held_at >= $4)`;

const SUMMARY = `id, source, topic, key, sequence, type, state, attempts, error_code AS "errorCode", error, held_at AS "heldAt",
  (SELECT count(*) FROM held_message b WHERE (b.source, b.topic, b.key) = (h.source, h.topic, h.key) AND b.sequence > h.sequence)
    AS "waitingBehind"`;

const listing = statement<ParkedMessage>(
  'parked-message.list',
  `SELECT ${SUMMARY} FROM held_message h WHERE ${MATCHES} AND ($5::uuid IS NULL OR id > $5) ORDER BY id LIMIT $6`,
);

const inspecting = statement<ParkedMessage & HeldContent>(
  'parked-message.inspect',
  `SELECT ${SUMMARY}, headers, data FROM held_message h WHERE id = $1`,
);

const actsOn = statement<Omit<RecordedAct, 'original' | 'edited'> & { original: string | null; edited: string | null }>(
  'parked-message.acts',
  `SELECT at, act, who, why, original, edited FROM held_message_act
   WHERE source = $1 AND topic = $2 AND key = $3 AND sequence = $4 ORDER BY at`,
);

// Only a parked one is waited for: what is being tried may take its time, and is nobody's to act on.
const locking = statement<HeldContent>(
  'parked-message.lock',
  `SELECT source, topic, key, sequence, type, headers, data FROM held_message WHERE id = $1 AND state = 'parked' FOR UPDATE`,
);

const stateOf = statement<{ state: ParkedMessage['state'] }>(
  'parked-message.state',
  'SELECT state FROM held_message WHERE id = $1',
);

const REDRIVEN = `state = 'retrying', attempts = 0, next_attempt_at = now()`;
const ACT = 'INSERT INTO held_message_act (act, message_id, source, topic, key, sequence, type, who, why';

// Locked in one order, so that two operators cannot block each other.
const redrivingAll = statement<{ redriven: number }>(
  'parked-message.redrive-all',
  `WITH chosen AS (
     SELECT source, topic, key, sequence FROM held_message WHERE ${MATCHES} ORDER BY source, topic, key, sequence FOR UPDATE
   ), redriven AS (
     UPDATE held_message h SET ${REDRIVEN} FROM chosen c
     WHERE (h.source, h.topic, h.key, h.sequence) = (c.source, c.topic, c.key, c.sequence) RETURNING h.*
   ), recorded AS (
     ${ACT}) SELECT 'redriven', id, source, topic, key, sequence, type, $5, $6 FROM redriven RETURNING message_id
   )
   SELECT count(*) AS redriven FROM recorded`,
);

const redriving = statement<never>(
  'parked-message.redrive',
  `UPDATE held_message SET ${REDRIVEN}, data = $5 WHERE source = $1 AND topic = $2 AND key = $3 AND sequence = $4`,
);

const recording = statement<never>(
  'parked-message.record',
  `${ACT}, original, edited) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
);

/**
 * What an operator may do with the messages that a subscriber has parked. Every act is recorded with who and why, in the
 * caller's transaction, and is safe beside the loop that tries held messages again. A redriven message is due at once:
 * the loop of this process is woken, that of another finds it within ten seconds.
 */
export class ParkedMessages {
  constructor(
    private readonly database: Database,
    /** What the subscriber hears: an edited content is held to it. */
    private readonly hears: readonly Subscription[],
    /** Wakes the loop of this process. */
    private readonly wake: () => void = () => undefined,
  ) {}

  /** In the order in which they were sent, those after the id `after`; without their content. */
  async list(
    filter: ParkedFilter,
    { after, limit }: { after?: string | undefined; limit: number },
  ): Promise<ParkedMessage[]> {
    return this.database.query(listing, [...valuesOf(filter), after ?? null, limit]);
  }

  /** One message and all there is to know of it, also while it is tried again. Throws ParkedMessageNotFound where it is held no more. */
  async inspect(id: string): Promise<InspectedMessage> {
    const [row] = await this.database.query(inspecting, [id]);
    if (!row) throw new ParkedMessageNotFound(id);
    const { data, ...message } = row;
    const { source, topic, key, sequence } = message;
    const acts = await this.database.query(actsOn, [source, topic, key, sequence]);
    return {
      ...message,
      content: masked(data, this.secretsOf(message.type)),
      acts: acts.map((act) => ({ ...act, original: shown(act.original), edited: shown(act.edited) })),
    };
  }

  /** Has it tried again at once, its attempts forgotten. Throws ParkedMessageNotFound or MessageNotParked. */
  async redrive(tx: Transaction, id: string, act: OperatorAct): Promise<void> {
    const message = await this.lock(tx, id);
    await this.redriveAs(tx, message, message.data);
    await this.record(tx, 'redriven', id, message, act);
  }

  /** Has all that match tried again at once; answers how many. */
  async redriveAll(tx: Transaction, filter: ParkedFilter, { who, why }: OperatorAct): Promise<number> {
    const [row] = await tx.query(redrivingAll, [...valuesOf(filter), who, why]);
    tx.afterCommit(this.wake);
    return row?.redriven ?? 0;
  }

  /**
   * Has it tried again with another content; masked secrets stay what they were. Its key and its place in the stream are not
   * changed. Throws ContentRefused where the subscriber could not read it, ParkedMessageNotFound or MessageNotParked.
   */
  async editAndRedrive(
    tx: Transaction,
    id: string,
    content: Readonly<Record<string, unknown>>,
    act: OperatorAct,
  ): Promise<void> {
    const message = await this.lock(tx, id);
    const secrets = this.secretsOf(message.type);
    const edited = JSON.stringify(unmasked(content, message.data, secrets));
    this.check({ ...message, data: edited });
    await this.redriveAs(tx, message, edited);
    await this.record(tx, 'edited', id, message, act, {
      original: JSON.stringify(masked(message.data, secrets)),
      edited: JSON.stringify(masked(edited, secrets)),
    });
  }

  /** Gives it up for good; its stream flows on. Throws ParkedMessageNotFound or MessageNotParked. */
  async discard(tx: Transaction, id: string, act: OperatorAct): Promise<void> {
    const message = await this.lock(tx, id);
    await takeOut(tx, message, message.sequence);
    await this.record(tx, 'discarded', id, message, act);
    tx.afterCommit(this.wake);
  }

  private async lock(tx: Transaction, id: string): Promise<HeldContent> {
    const [message] = await tx.query(locking, [id]);
    if (message) return message;
    const [held] = await tx.query(stateOf, [id]);
    throw held ? new MessageNotParked(id, held.state) : new ParkedMessageNotFound(id);
  }

  private async redriveAs(tx: Transaction, message: HeldContent, data: string): Promise<void> {
    const { source, topic, key, sequence } = message;
    await tx.query(redriving, [source, topic, key, sequence, data]);
    tx.afterCommit(this.wake);
  }

  private async record(
    tx: Transaction,
    name: RecordedAct['act'],
    id: string,
    { source, topic, key, sequence, type }: HeldContent,
    { who, why }: OperatorAct,
    contents?: { original: string; edited: string },
  ): Promise<void> {
    const { original = null, edited = null } = contents ?? {};
    await tx.query(recording, [name, id, source, topic, key, sequence, type, who, why, original, edited]);
  }

  private check({ type, topic, key, headers, data }: HeldContent): void {
    const subscription = this.subscriptionOf(type);
    if (!subscription) throw new ContentRefused(`nothing here handles ${type} any more`);
    try {
      const record = { topic, key, headers, value: data };
      readAttributes(record);
      dataFor(subscription, record);
    } catch (error) {
      if (error instanceof MalformedMessage) throw new ContentRefused(error.message);
      throw error;
    }
  }

  private subscriptionOf(type: string): Subscription | undefined {
    return this.hears.find((subscription) => subscription.type === type);
  }

  private secretsOf(type: string): readonly string[] {
    return this.subscriptionOf(type)?.secrets ?? [];
  }
}

function valuesOf({ type, key, errorCode, heldSince }: ParkedFilter): unknown[] {
  return [type ?? null, key ?? null, errorCode ?? null, heldSince ?? null];
}

// Written by `record`, and so JSON.
function shown(content: string | null): unknown {
  return content === null ? null : JSON.parse(content);
}
