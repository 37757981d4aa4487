/**
 * A program of the bench: consumes the same log as the bus does, with the same reads and writes in raw SQL and batches of
 * 500, without envelopes, schemas, handlers, retries or owners.
 */
import { performance } from 'node:perf_hooks';
import { Client } from 'pg';
import { answerQuestions } from '../answering';
import { sessionOn } from './session';

const BATCH = 500;

interface LogRow {
  position: number;
  topic: string;
  key: string;
  sequence: number;
  id: string;
  data: string;
}

const READ = `SELECT position, topic, key, sequence, id, type, subject, time, correlation_id, causation_id, traceparent, tracestate, data
  FROM outbox WHERE position > $1 ORDER BY position LIMIT ${BATCH}`;
const MOVE = `UPDATE subscription SET position = $1 WHERE source = 'clock'`;
const RECALL = `SELECT m.topic, m.key, m.last_sequence, m.held
  FROM (SELECT topic, key FROM unnest($1::text[], $2::text[]) AS n(topic, key) ORDER BY topic, key) n,
    LATERAL (SELECT topic, key, last_sequence, held FROM stream_memory s
             WHERE s.source = 'clock' AND s.topic = n.topic AND s.key = n.key FOR UPDATE) m`;
const WRITE_DOWN = 'INSERT INTO heard (message_id, n) SELECT * FROM unnest($1::uuid[], $2::bigint[])';
const REMEMBER = `INSERT INTO stream_memory (source, topic, key, last_sequence)
  SELECT 'clock', m.* FROM unnest($1::text[], $2::text[], $3::bigint[]) AS m(topic, key, last_sequence) ORDER BY m.topic, m.key
  ON CONFLICT (source, topic, key) DO UPDATE SET last_sequence = excluded.last_sequence`;

async function connect(schema: string): Promise<Client> {
  const session = new Client(sessionOn(process.env['DATABASE_URL'] as string, schema));
  await session.connect();
  return session;
}

const sessions = Promise.all([connect('clock'), connect('listener')]);

/** Handles what is in the log after the stored position; answers the milliseconds until so many were handled. */
async function drain({ count }: { count: number }): Promise<number> {
  const [source, sink] = await sessions;
  const stored = await sink.query(`SELECT position FROM subscription WHERE source = 'clock'`);
  let position = (stored.rows[0]?.position ?? 0) as number;
  const beganAt = performance.now();
  for (let handled = 0; handled < count;) {
    const { rows } = await source.query<LogRow>({ name: 'read', text: READ, values: [position] });
    if (rows.length === 0) throw new Error(`The log ends after ${handled} of ${count} messages.`);
    position = (rows.at(-1) as LogRow).position;
    await handle(sink, rows, position);
    handled += rows.length;
  }
  return performance.now() - beganAt;
}

async function handle(sink: Client, rows: readonly LogRow[], position: number): Promise<void> {
  const streams = [...new Map(rows.map((row) => [`${row.topic}/${row.key}`, row])).values()];
  const [topics, keys] = [streams.map(({ topic }) => topic), streams.map(({ key }) => key)];
  // Sent together, as the bus does.
  const [, , recalled] = await Promise.all([
    sink.query('BEGIN'),
    sink.query({ name: 'move', text: MOVE, values: [position] }),
    sink.query({ name: 'recall', text: RECALL, values: [topics, keys] }),
  ]);
  const seen = new Map(
    recalled.rows.map(({ topic, key, last_sequence }) => [`${topic}/${key}`, last_sequence as number]),
  );
  const fresh = rows.filter(({ topic, key, sequence }) => sequence > (seen.get(`${topic}/${key}`) ?? 0));
  await Promise.all([
    sink.query({
      name: 'write-down',
      text: WRITE_DOWN,
      values: [fresh.map(({ id }) => id), fresh.map(({ data }) => (JSON.parse(data) as { n: number }).n)],
    }),
    sink.query({ name: 'remember', text: REMEMBER, values: [topics, keys, streams.map(({ sequence }) => sequence)] }),
    sink.query('COMMIT'),
  ]);
}

answerQuestions({ drain });
