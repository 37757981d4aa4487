import { statement, Transaction } from '@banyan/persistence';

export interface StreamName {
  topic: string;
  key: string;
}

export interface Remembered {
  lastSequence: number;
  /** Something of the stream waits among the held messages, so what comes now must wait behind it. */
  held: boolean;
}

const recalling = statement<StreamName & { last_sequence: number; held: boolean }>(
  'stream-memory.recall',
  // Stream by stream, so that each is looked up by its key: planned as a join, a plan that is kept reads the whole memory.
  `SELECT m.topic, m.key, m.last_sequence, m.held
   FROM (SELECT topic, key FROM unnest($2::text[], $3::text[]) AS n(topic, key) ORDER BY topic, key) n,
     LATERAL (SELECT topic, key, last_sequence, held FROM stream_memory s
              WHERE s.source = $1 AND s.topic = n.topic AND s.key = n.key FOR UPDATE) m`,
);

const keeping = statement<never>(
  'stream-memory.keep',
  `INSERT INTO stream_memory (source, topic, key, last_sequence, held)
   SELECT $1, m.* FROM unnest($2::text[], $3::text[], $4::bigint[], $5::boolean[]) AS m(topic, key, last_sequence, held)
   ORDER BY m.topic, m.key
   ON CONFLICT (source, topic, key) DO UPDATE SET last_sequence = excluded.last_sequence, held = excluded.held`,
);

const following = statement<StreamName>(
  'stream-memory.follow',
  `INSERT INTO stream_memory AS s (source, topic, key, last_sequence)
   SELECT $1, m.* FROM unnest($2::text[], $3::text[], $4::bigint[]) AS m(topic, key, sequence) ORDER BY m.topic, m.key
   ON CONFLICT (source, topic, key) DO UPDATE SET last_sequence = excluded.last_sequence
     WHERE s.last_sequence = excluded.last_sequence - 1 AND NOT s.held
   RETURNING topic, key`,
);

export const nameOf = ({ topic, key }: StreamName): string => `${topic}/${key}`;

/** What a subscriber remembers of these streams, by name; their rows are locked, in the order of their names. */
export async function recall(tx: Transaction, source: string, streams: StreamName[]): Promise<Map<string, Remembered>> {
  const unique = [...new Map(streams.map((stream) => [nameOf(stream), stream])).values()];
  const rows = await tx.query(recalling, [source, unique.map(({ topic }) => topic), unique.map(({ key }) => key)]);
  return new Map(rows.map((row) => [nameOf(row), { lastSequence: row.last_sequence, held: row.held }]));
}

/**
 * Keeps that these messages have been taken over, each of another stream, and answers whether each was the next of its
 * stream and nothing of it is held. Otherwise the transaction must come to nothing.
 */
export async function follow(
  tx: Transaction,
  source: string,
  messages: readonly (StreamName & { sequence: number })[],
): Promise<boolean> {
  const followed = await tx.query(following, [
    source,
    messages.map(({ topic }) => topic),
    messages.map(({ key }) => key),
    messages.map(({ sequence }) => sequence),
  ]);
  return followed.length === messages.length;
}

/** Keeps what the subscriber has now taken over of these streams. */
export function remember(tx: Transaction, source: string, streams: readonly (StreamName & Remembered)[]): void {
  if (streams.length === 0) return;
  tx.send(keeping, [
    source,
    streams.map(({ topic }) => topic),
    streams.map(({ key }) => key),
    streams.map(({ lastSequence }) => lastSequence),
    streams.map(({ held }) => held),
  ]);
}
