import { DatabaseUnreachable, roleOf } from '@banyan/persistence';
import { Client, DatabaseError, types as builtin } from 'pg';
import { CouldNotLook } from './could-not-look';

/** Rows on their way at a time: large enough to be fast, small enough to be nothing in memory. */
const BATCH = 2_000;
const INT8 = 20;

/** For sessions of `pg`: counts and money in minor units stay far below 2^53. */
export const bigintsAsNumbers = {
  getTypeParser: (oid: number, format?: 'text' | 'binary'): unknown =>
    oid === INT8 ? Number : builtin.getTypeParser(oid, format as 'text'),
};

const INVALID_PARAMETER_VALUE = '22023';
const UNDEFINED_TABLE = '42P01';
const UNDEFINED_COLUMN = '42703';
const INVALID_SCHEMA = '3F000';

// In one session each has a name of its own.
let cursors = 0;

/** A module's schema as the module's own role sees it, and nothing can be changed through it. */
export class ModuleView {
  constructor(
    readonly module: string,
    /** A session of the module: its role, its search_path. */
    private readonly client: Pick<Client, 'query' | 'end'>,
    /** The database itself sorts text by its bytes, as JavaScript does. */
    private readonly sortsByBytes: boolean,
  ) {}

  /** Throws CouldNotLook where the server is away, or knows nothing of the module. */
  static async open(module: string, url: string): Promise<ModuleView> {
    const client = new Client({
      connectionString: url,
      application_name: `banyan ${module} (audit)`,
      connectionTimeoutMillis: 10_000,
      keepAlive: true,
      options: sessionOptions(module),
      types: bigintsAsNumbers,
    });
    // A connection that is lost makes the query under way fail, which tells of it.
    client.on('error', () => undefined);
    try {
      await client.connect();
    } catch (error) {
      if (error instanceof DatabaseError && error.code === INVALID_PARAMETER_VALUE) throw notMigrated(module, error);
      throw new CouldNotLook(new DatabaseUnreachable(module, url, error).message);
    }
    const view = new ModuleView(module, client, await sortsByBytes(client));
    try {
      if (await view.has('migration')) return view;
      throw notMigrated(module);
    } catch (error) {
      await view.close();
      throw error;
    }
  }

  /** From here on everything is as of one moment. */
  async freeze(): Promise<void> {
    await this.rows('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    // The moment is that of the first look.
    await this.rows('SELECT 1');
  }

  async has(table: string): Promise<boolean> {
    const [found] = await this.rows<{ there: boolean }>(
      `SELECT to_regclass(quote_ident(current_schema()) || '.' || quote_ident($1)) IS NOT NULL AS there`,
      [table],
    );
    return found?.there === true;
  }

  /** All rows of a query that answers few. */
  async rows<Row>(sql: string, values: unknown[] = []): Promise<Row[]> {
    try {
      return (await this.client.query(sql, values)).rows as Row[];
    } catch (error) {
      throw this.explained(error);
    }
  }

  /** All rows of a query, in batches, the next of which is fetched while one is worked on. Only after `freeze`. */
  async *stream<Row>(sql: string, values: unknown[] = []): AsyncGenerator<Row[]> {
    const cursor = `audit_${(cursors += 1)}`;
    await this.rows(`DECLARE ${cursor} NO SCROLL CURSOR FOR ${sql}`, values);
    const fetch = () => {
      const fetching = this.rows<Row>(`FETCH ${BATCH} FROM ${cursor}`);
      // Its failure is told when it is waited for, which may be a while from now.
      fetching.catch(() => undefined);
      return fetching;
    };
    let fetching = fetch();
    for (;;) {
      const rows = await fetching;
      if (rows.length === 0) break;
      fetching = fetch();
      yield rows;
    }
    await this.rows(`CLOSE ${cursor}`);
  }

  /** A text column for ORDER BY: in the order of its bytes whatever the database's own is, which alone has an index. */
  byBytes(column: string): string {
    return this.sortsByBytes ? column : `${column} COLLATE "C"`;
  }

  async close(): Promise<void> {
    await this.client.end().catch(() => undefined);
  }

  private explained(error: unknown): Error {
    if (!(error instanceof DatabaseError)) {
      return new CouldNotLook(`The database of the module ${this.module} went away: ${(error as Error).message}`);
    }
    const missing = [UNDEFINED_TABLE, UNDEFINED_COLUMN, INVALID_SCHEMA].includes(error.code ?? '');
    return missing ? notMigrated(this.module, error) : error;
  }
}

function notMigrated(module: string, cause?: Error): CouldNotLook {
  const reason = cause ? `: ${cause.message}` : '';
  return new CouldNotLook(
    `The database of the module ${module} is not as this version needs it${reason}. Start the shop, or run: npm run db -- migrate`,
  );
}

function sessionOptions(module: string): string {
  const settings = {
    role: roleOf(module),
    search_path: module,
    default_transaction_read_only: 'on',
    timezone: 'UTC',
    jit: 'off',
    // Everything that is asked for is read to its end.
    cursor_tuple_fraction: '1',
    work_mem: '64MB',
  };
  return Object.entries(settings)
    .map(([name, value]) => `-c ${name}=${value}`)
    .join(' ');
}

async function sortsByBytes(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ bytes: boolean }>(
    `SELECT datlocprovider = 'b' OR datlocprovider = 'c' AND datcollate IN ('C', 'POSIX') AS bytes
     FROM pg_database WHERE datname = current_database()`,
  );
  return rows[0]?.bytes === true;
}
