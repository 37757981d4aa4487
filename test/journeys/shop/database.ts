import { randomBytes } from 'node:crypto';
import { Client } from 'pg';

/** An empty database of one's own on the server at `serverUrl` (a superuser's URL). */
export async function createDatabase(serverUrl: string): Promise<{ url: string; drop(): Promise<void> }> {
  const name = `journeys_${process.pid}_${randomBytes(4).toString('hex')}`;
  // Unlike the default template, template0 has no visitors who would keep it from being copied.
  await ask(serverUrl, (client) => client.query(`CREATE DATABASE ${name} TEMPLATE template0`));
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    drop: () => ask(serverUrl, async (client) => void (await client.query(`DROP DATABASE ${name} WITH (FORCE)`))),
  };
}

/**
 * Which tables hold the text, in whatever column, kind of column (JSON, arrays, bytes) and letter case, of all schemas:
 * `orders.customer`. Letters and digits only.
 */
export async function tablesHolding(databaseUrl: string, text: string): Promise<string[]> {
  return ask(databaseUrl, async (client) => {
    const tables = await client.query<{ name: string }>(
      `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
       WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1`,
    );
    const found: string[] = [];
    for (const { name } of tables.rows) {
      // A whole row as text shows every column; bytes are shown in hexadecimal.
      const sql = `SELECT 1 FROM ${name} t WHERE t::text ILIKE $1 OR t::text ILIKE $2 LIMIT 1`;
      const holding = await client.query(sql, [`%${text}%`, `%${Buffer.from(text).toString('hex')}%`]);
      if (holding.rowCount) found.push(name);
    }
    return found;
  });
}

/** How much the database has read of its tables: rows by index, `orders.process_pkey`, and scans by table, `orders.process`. */
export async function readOf(databaseUrl: string): Promise<{ rows: Record<string, number>; scans: string[] }> {
  return ask(databaseUrl, async (client) => {
    const indexes = await client.query<{ name: string; rows: number }>(
      // Of positions in Kafka there is one for each partition, however many orders there are.
      `SELECT format('%I.%I', schemaname, indexrelname) AS name, idx_tup_read::int AS rows FROM pg_stat_user_indexes
       WHERE relname <> 'kafka_position'`,
    );
    const tables = await client.query<{ name: string }>(
      `SELECT format('%I.%I', schemaname, relname) AS name FROM pg_stat_user_tables WHERE seq_tup_read > 1000`,
    );
    return {
      rows: Object.fromEntries(indexes.rows.map(({ name, rows }) => [name, rows])),
      scans: tables.rows.map(({ name }) => name),
    };
  });
}

async function ask<Answer>(url: string, question: (client: Client) => Promise<Answer>): Promise<Answer> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return await question(client);
  } finally {
    await client.end();
  }
}
