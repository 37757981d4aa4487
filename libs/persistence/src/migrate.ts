import { dataSourceOf, Migration } from './connection';

/** Migrations wait to be run, and this environment does not run them by itself. */
export class PendingMigrations extends Error {
  readonly code = 'pending-migrations';
  constructor(module: string, names: string[]) {
    super(
      `The module ${module} has ${names.length} pending migration(s): ${names.join(', ')}. Run: npm run db -- migrate`,
    );
  }
}

// Migrations of one module wait for one another, whoever runs them.
const MIGRATING = 7_226_926;

/** Runs what is pending, each migration in a transaction without a time limit; answers the names of those it ran. */
export async function migrate(module: string, url: string, migrations: readonly Migration[]): Promise<string[]> {
  return withMigrations(module, url, migrations, async (source) => {
    await source.query('SELECT pg_advisory_lock($1, hashtext($2))', [MIGRATING, module]);
    return (await source.runMigrations()).map(({ name }) => name);
  });
}

/** Takes the latest migration back; answers false if there was none. */
export async function revertLatest(module: string, url: string, migrations: readonly Migration[]): Promise<boolean> {
  return withMigrations(module, url, migrations, async (source) => {
    await source.query('SELECT pg_advisory_lock($1, hashtext($2))', [MIGRATING, module]);
    const before = await executed(source);
    await source.undoLastMigration();
    return (await executed(source)).length < before.length;
  });
}

/** Each migration of the module, oldest first, and whether it has run. */
export async function migrationStatus(
  module: string,
  url: string,
  migrations: readonly Migration[],
): Promise<{ name: string; ran: boolean }[]> {
  return withMigrations(module, url, migrations, async (source) => {
    const ran = new Set(await executed(source));
    return source.migrations
      .map((migration) => migration.name ?? migration.constructor.name)
      .sort((a, b) => a.slice(-13).localeCompare(b.slice(-13)))
      .map((name) => ({ name, ran: ran.has(name) }));
  });
}

async function withMigrations<T>(
  module: string,
  url: string,
  migrations: readonly Migration[],
  work: (source: ReturnType<typeof dataSourceOf>) => Promise<T>,
): Promise<T> {
  // One connection: the lock belongs to the session that migrates.
  const source = dataSourceOf(module, { url, poolSize: 1, transactionTimeoutMs: 0 }, [], migrations);
  await source.initialize();
  try {
    return await work(source);
  } finally {
    await source.destroy();
  }
}

async function executed(source: ReturnType<typeof dataSourceOf>): Promise<string[]> {
  const [found] = await source.query<{ exists: boolean }[]>(`SELECT to_regclass('migration') IS NOT NULL AS exists`);
  if (!found?.exists) return [];
  const rows = await source.query<{ name: string }[]>('SELECT name FROM migration ORDER BY id');
  return rows.map(({ name }) => name);
}
