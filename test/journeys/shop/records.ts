import { AsyncLocalStorage } from 'node:async_hooks';
import { appendFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Client } from 'pg';
import type { RecordedAnswer, RecordedMessage, RecordedRow } from '../../../tools/journeys/recorded';

/** Names the folder in which is written down what journeys come to, to be compared; unset: nothing is. */
const RECORDS = 'JOURNEYS_RECORDS';

/** Whether what journeys come to is written down, to be compared. */
export const areRecorded = (): boolean => Boolean(process.env[RECORDS]);

/** What a module keeps for the platform's sake: positions, leases, keys. It may well differ from placement to placement. */
const NOT_BUSINESS =
  /^(outbox(_.*)?|stream|stream_memory|subscription|held_message(_act)?|relay|kafka_position|replay|migration|idempotency.*|verification_key|signing_key|erased_user)$/;

/** What is asked while somebody waits for something: only the last look, which saw it, counts as an answer. */
const looks = new AsyncLocalStorage<RecordedAnswer[]>();

/** Writes down an answer, with the journey in which it was given. */
export function recordAnswer(answer: Omit<RecordedAnswer, 'journey'>): void {
  if (!areRecorded()) return;
  keep({ journey: `${fileOfThisJourney()}: ${expect.getState().currentTestName ?? 'before it begins'}`, ...answer });
}

/** The name of the file that is told at the moment; `everybody` where none is. */
function fileOfThisJourney(): string {
  const { testPath } = 'expect' in globalThis ? expect.getState() : {};
  return testPath ? basename(testPath, '.spec.ts') : 'everybody';
}

/** Looks once; what was asked is kept only where something was seen, or failed. */
export async function recordingLook<Seen>(look: () => Promise<Seen>, wasSeen: (seen: Seen) => boolean): Promise<Seen> {
  const asked: RecordedAnswer[] = [];
  let isKept = true;
  try {
    const seen = await looks.run(asked, look);
    isKept = wasSeen(seen);
    return seen;
  } finally {
    for (const answer of asked) keep(isKept ? answer : { ...answer, inVain: true });
  }
}

function keep(answer: RecordedAnswer): void {
  const look = looks.getStore();
  if (look) look.push(answer);
  else write('answers', [answer]);
}

/** Writes down what the modules kept, and what they said, once a shop is closed. */
export async function keepBooks(databaseUrls: readonly string[]): Promise<void> {
  if (!areRecorded()) return;
  for (const connectionString of databaseUrls) {
    const client = new Client({ connectionString });
    await client.connect();
    try {
      await keepBooksOf(client);
    } finally {
      await client.end();
    }
  }
}

async function keepBooksOf(client: Client): Promise<void> {
  const shop = fileOfThisJourney();
  const tables = await client.query<{ module: string; table: string; left_out: string[] }>(
    `SELECT t.table_schema AS module, t.table_name AS table,
       array(SELECT c.column_name::text FROM information_schema.columns c
         WHERE (c.table_schema, c.table_name) = (t.table_schema, t.table_name)
           AND (c.is_identity = 'YES' OR c.is_generated = 'ALWAYS')) AS left_out
     FROM information_schema.tables t
     WHERE t.table_type = 'BASE TABLE' AND EXISTS (
       SELECT FROM information_schema.tables o WHERE o.table_schema = t.table_schema AND o.table_name = 'outbox')
     ORDER BY 1, 2`,
  );
  const modules = new Set(tables.rows.map(({ module }) => module));
  for (const { module, table, left_out: leftOut } of tables.rows.filter(({ table }) => !NOT_BUSINESS.test(table))) {
    // Numbers that a table gives its rows say who came first, and generated columns nothing.
    const { rows } = await client.query<{ row: Record<string, unknown> }>(
      `SELECT to_jsonb(t) - $1::text[] AS row FROM ${quoted(module)}.${quoted(table)} t`,
      [leftOut],
    );
    write(
      'rows',
      rows.map(({ row }): RecordedRow => ({ shop, module, table, row })),
    );
  }
  for (const module of modules) {
    const { rows } = await client.query<RecordedMessage>(
      `SELECT $1 AS module, $2 AS shop, topic, key, sequence::integer, type, data::jsonb, correlation_id AS "correlationId"
       FROM ${quoted(module)}.outbox ORDER BY topic, key, sequence`,
      [module, shop],
    );
    write('messages', rows);
  }
}

const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;

function write(kind: 'answers' | 'rows' | 'messages', records: readonly object[]): void {
  const lines = records.map((record) => `${JSON.stringify(record)}\n`).join('');
  appendFileSync(join(process.env[RECORDS]!, `${kind}-${process.pid}.jsonl`), lines);
}
