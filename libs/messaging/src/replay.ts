import { Database, statement, Transaction } from '@banyan/persistence';
import { CommandsNotReplayed, NeverSubscribed, ReplayForward } from './errors';
import { OperatorAct } from './operator-act';

/** Where a subscriber is put back to: the beginning of what is kept, a position that counts as consumed, or a time. */
export type ReplayFrom = 'beginning' | { position: number } | { time: Date };

export interface Replay {
  /** Whose log is read again. */
  source: { module: string; database: Database };
  subscriber: { module: string; database: Database };
  from: ReplayFrom;
  /** Command messages too. They ask for something to be done, so they are left out, or refused, without it. */
  force?: boolean;
}

export interface Replayed {
  topics: string[];
  /** The position that the subscriber had, and the one that it has now. */
  from: number;
  to: number;
  streams: number;
  /** Messages that will be delivered again, those that it had not come to yet included. */
  messages: number;
}

interface LogEntry {
  position: number;
  topic: string;
  key: string;
  sequence: number;
}

const PAGE = 10_000;

// Locked by every batch before anything else: so none is under way, and the next finds a later epoch and begins anew.
const locking = statement<{ topics: string[]; position: number; transport: string }>(
  'replay.lock',
  'SELECT topics, position, transport FROM subscription WHERE source = $1 FOR UPDATE',
);

const latest = statement<{ position: number }>(
  'replay.latest',
  'SELECT coalesce(max(position), 0) AS position FROM outbox',
);

const dropped = statement<{ through: number }>('replay.dropped', 'SELECT through FROM outbox_dropped');

// Those of the day before too: a writer's day is that of its beginning.
const firstSince = statement<{ position: number | null }>(
  'replay.first-since',
  `SELECT min(position) AS position FROM outbox
   WHERE time >= $1 AND day >= ($1::timestamptz AT TIME ZONE 'UTC')::date - 1`,
);

const reading = statement<LogEntry>(
  'replay.read',
  `SELECT position, topic, key, sequence FROM outbox
   WHERE position > $1 AND topic = ANY($2::text[]) ORDER BY position LIMIT ${PAGE}`,
);

// Of several messages of a stream the first one counts: what comes after it follows by itself.
const forgetting = statement<{ topic: string; key: string }>(
  'replay.forget',
  `UPDATE stream_memory m SET last_sequence = n.sequence - 1
   FROM unnest($2::text[], $3::text[], $4::bigint[]) AS n(topic, key, sequence)
   WHERE m.source = $1 AND (m.topic, m.key) = (n.topic, n.key) AND m.last_sequence >= n.sequence
   RETURNING m.topic, m.key`,
);

// What is held and comes again from the log must not be there twice.
const releasing = statement<never>(
  'replay.release',
  `WITH gone AS (
     DELETE FROM held_message h USING stream_memory m
     WHERE m.source = $1 AND (m.topic, m.key) IN (SELECT * FROM unnest($2::text[], $3::text[]))
       AND (h.source, h.topic, h.key) = (m.source, m.topic, m.key) AND h.sequence > m.last_sequence
     RETURNING h.id, h.source, h.topic, h.key, h.sequence, h.type
   )
   INSERT INTO held_message_act (act, message_id, source, topic, key, sequence, type, who, why)
   SELECT 'replayed', id, source, topic, key, sequence, type, $4, $5 FROM gone`,
);

const flowing = statement<never>(
  'replay.flow',
  `UPDATE stream_memory m SET held = EXISTS (
     SELECT FROM held_message h WHERE (h.source, h.topic, h.key) = (m.source, m.topic, m.key))
   WHERE m.source = $1 AND m.held AND (m.topic, m.key) IN (SELECT * FROM unnest($2::text[], $3::text[]))`,
);

const puttingBack = statement<never>(
  'replay.put-back',
  'UPDATE subscription SET position = least(position, $2), epoch = epoch + 1 WHERE source = $1',
);

// From the beginning, since memory tells what is to be handled again better than any offset.
const puttingBackInKafka = statement<never>(
  'replay.put-back-in-kafka',
  'UPDATE kafka_position SET next_offset = 0, last_id = NULL WHERE source = $1 AND topic = ANY($2::text[])',
);

const recording = statement<never>(
  'replay.record',
  'INSERT INTO replay (source, topics, from_position, to_position, who, why) VALUES ($1, $2, $3, $4, $5, $6)',
);

/**
 * Puts a subscriber back, so that it handles again what its source has sent since: its position, and with it what it
 * remembers of each stream, or the repeats would be dropped. One that runs begins anew within seconds, others when they
 * start. Handlers must bear it, as upserts do. Throws NeverSubscribed, ReplayForward or CommandsNotReplayed, and nothing
 * has changed.
 */
export async function replay({ source, subscriber, from, force = false }: Replay, act: OperatorAct): Promise<Replayed> {
  return subscriber.database.transaction(async (tx) => {
    const [subscription] = await tx.query(locking, [source.module]);
    if (!subscription) throw new NeverSubscribed(subscriber.module, source.module);
    const topics = subscription.topics.filter((topic) => force || !topic.endsWith('.commands'));
    if (topics.length === 0) throw new CommandsNotReplayed(subscriber.module, source.module);
    // Over Kafka its places are in partitions, and nothing of the log lies ahead of what memory makes of them.
    const current = subscription.transport === 'kafka' ? await latestOf(source.database) : subscription.position;
    const to = await positionFor(source.database, from, current);
    if (to > current) throw new ReplayForward(current, to);
    const { messages, streams } = await forget(tx, { source, topics, position: to }, act);
    await tx.query(puttingBack, [source.module, to]);
    await tx.query(puttingBackInKafka, [source.module, topics]);
    await tx.query(recording, [source.module, topics, current, to, act.who, act.why]);
    return { topics, from: current, to, streams, messages };
  });
}

async function latestOf(source: Database): Promise<number> {
  const [last] = await source.query(latest);
  return last?.position ?? 0;
}

/** The position to go back to, never before what the source has dropped. */
async function positionFor(source: Database, from: ReplayFrom, current: number): Promise<number> {
  const [{ through } = { through: 0 }] = await source.query(dropped);
  if (from === 'beginning') return through;
  if ('position' in from) return Math.max(from.position, through);
  const [first] = await source.query(firstSince, [from.time]);
  // Later than all that was sent: there is nothing to go back for.
  return Math.max(through, Math.min(current, (first?.position ?? Infinity) - 1));
}

async function forget(
  tx: Transaction,
  { source, topics, position }: { source: Replay['source']; topics: string[]; position: number },
  { who, why }: OperatorAct,
): Promise<{ messages: number; streams: number }> {
  let [messages, streams, after] = [0, 0, position];
  for (;;) {
    const entries = await source.database.query(reading, [after, topics]);
    messages += entries.length;
    const first = new Map<string, LogEntry>();
    for (const entry of entries) {
      const stream = `${entry.topic}/${entry.key}`;
      if (!first.has(stream)) first.set(stream, entry);
    }
    const begins = [...first.values()];
    const forgotten = await tx.query(forgetting, [
      source.module,
      begins.map(({ topic }) => topic),
      begins.map(({ key }) => key),
      begins.map(({ sequence }) => sequence),
    ]);
    const named = [source.module, forgotten.map(({ topic }) => topic), forgotten.map(({ key }) => key)];
    await tx.query(releasing, [...named, who, why]);
    await tx.query(flowing, named);
    streams += forgotten.length;
    const last = entries.at(-1);
    if (!last || entries.length < PAGE) return { messages, streams };
    after = last.position;
  }
}
