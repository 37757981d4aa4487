import { dataSourceOf, Entities, Migration } from './connection';
import { Database } from './database';
import { migrate, PendingMigrations } from './migrate';
import { prepareDatabase } from './prepare-database';

export interface OpenDatabase {
  module: string;
  url: string;
  poolSize: number;
  transactionTimeoutMs: number;
  entities: Entities;
  migrations: readonly Migration[];
  /** Run pending migrations; otherwise they are a reason not to start. */
  migrate: boolean;
}

/** Prepares, migrates or checks, and connects. Throws DatabaseNotPrepared, DatabaseTooOld or PendingMigrations. */
export async function openDatabase(options: OpenDatabase): Promise<Database> {
  const { module, url, migrations } = options;
  await prepareDatabase(module, url);
  const source = dataSourceOf(module, options, options.entities, migrations);
  await source.initialize();
  try {
    // The first look makes the table of migrations; of instances that start at once, the one with the lock shall.
    const [{ fresh }] = await source.query<[{ fresh: boolean }]>(`SELECT to_regclass('migration') IS NULL AS fresh`);
    if ((fresh && options.migrate) || (await source.showMigrations())) {
      if (!options.migrate) throw new PendingMigrations(module, await pending(source));
      await migrate(module, url, migrations);
    }
  } catch (error) {
    await source.destroy();
    throw error;
  }
  return new Database(module, source, options.transactionTimeoutMs);
}

async function pending(source: ReturnType<typeof dataSourceOf>): Promise<string[]> {
  const rows = await source.query<{ name: string }[]>('SELECT name FROM migration');
  const ran = new Set(rows.map(({ name }) => name));
  return source.migrations
    .map((migration) => migration.name ?? migration.constructor.name)
    .filter((name) => !ran.has(name));
}
