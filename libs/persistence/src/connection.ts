import { types as builtin } from 'pg';
import { DataSource, DataSourceOptions, EntitySchema, MixedList } from 'typeorm';

/** A migration class of TypeORM; its name ends in a timestamp of 13 digits. */
export type Migration = new () => { up(runner: never): Promise<void>; down(runner: never): Promise<void> };
export type Entities = MixedList<(new () => object) | EntitySchema>;

export interface ConnectionSettings {
  url: string;
  poolSize: number;
  /** 0 = unlimited, for migrations. */
  transactionTimeoutMs: number;
}

const INT8 = 20;
const UNANSWERED_MS = 5_000;

/** The role that owns a module's schema, and that every session of the module runs as. */
export function roleOf(module: string): string {
  return `banyan_${module}`;
}

export function dataSourceOf(
  module: string,
  settings: ConnectionSettings,
  entities: Entities,
  migrations: readonly Migration[],
): DataSource {
  const options: DataSourceOptions = {
    type: 'postgres',
    url: settings.url,
    applicationName: `banyan ${module}`,
    poolSize: settings.poolSize,
    connectTimeoutMS: 10_000,
    installExtensions: false,
    entities: entities as never,
    migrations: [...migrations] as never,
    migrationsTableName: 'migration',
    migrationsTransactionMode: 'each',
    logging: false,
    // Idle connections that the server closed are replaced on the next use; the error itself reaches whoever uses one.
    poolErrorHandler: () => undefined,
    extra: {
      pipeline: true,
      idleTimeoutMillis: 60_000,
      keepAlive: true,
      types: { getTypeParser: parserOf },
      options: sessionOptions(module, settings.transactionTimeoutMs),
      // The server has ended whatever takes longer; without an answer by then, none will come over this connection.
      ...(settings.transactionTimeoutMs > 0 && { query_timeout: settings.transactionTimeoutMs + UNANSWERED_MS }),
    },
  };
  return new DataSource(options);
}

function sessionOptions(module: string, transactionTimeoutMs: number): string {
  const settings = {
    role: roleOf(module),
    search_path: module,
    // The bus relies on it: a log position that has not shown up by then never will.
    transaction_timeout: String(transactionTimeoutMs),
    timezone: 'UTC',
    jit: 'off',
    // Planning most statements anew takes longer than running them.
    plan_cache_mode: 'force_generic_plan',
    // A plan is made once, maybe while its tables were empty, and must serve as they grow: so tables are reached through
    // their keys, row by row, which is what every statement here is written for.
    enable_seqscan: 'off',
    enable_bitmapscan: 'off',
    enable_hashjoin: 'off',
    enable_mergejoin: 'off',
  };
  return Object.entries(settings)
    .map(([name, value]) => `-c ${name}=${value}`)
    .join(' ');
}

// Counts, positions and money in minor units stay far below 2^53; as numbers they can be computed with.
function parserOf(oid: number, format?: 'text' | 'binary'): unknown {
  if (oid === INT8) return Number;
  return builtin.getTypeParser(oid, format as 'text');
}
