import { Client } from 'pg';

/**
 * Makes the second database what a restored dump of the first would be: each table's rows as text and the state of each
 * sequence, and nothing that is the server's own. The tables of `schemas` must be there, and are emptied first.
 */
export async function restore(fromUrl: string, toUrl: string, schemas: readonly string[]): Promise<void> {
  const [from, to] = [new Client({ connectionString: fromUrl }), new Client({ connectionString: toUrl })];
  await Promise.all([from.connect(), to.connect()]);
  try {
    // One snapshot for all of it, as pg_dump has.
    await from.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    const { rows: tables } = await from.query<{ name: string }>(
      `SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE n.nspname = ANY($1) AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> 'migration'`,
      [schemas],
    );
    for (const { name } of tables) {
      const { rows } = await from.query<{ row: object }>(`SELECT to_jsonb(t) AS row FROM ${name} t`);
      await to.query(`TRUNCATE ${name}`);
      await to.query(
        `INSERT INTO ${name} OVERRIDING SYSTEM VALUE SELECT * FROM jsonb_populate_recordset(NULL::${name}, $1)`,
        [JSON.stringify(rows.map(({ row }) => row))],
      );
    }
    const { rows: sequences } = await from.query<{ name: string; last: string | null }>(
      `SELECT format('%I.%I', schemaname, sequencename) AS name, last_value AS last FROM pg_sequences WHERE schemaname = ANY($1)`,
      [schemas],
    );
    for (const { name, last } of sequences) {
      if (last !== null) await to.query('SELECT setval($1::regclass, $2::bigint)', [name, last]);
    }
  } finally {
    await Promise.all([from.end(), to.end()]);
  }
}
