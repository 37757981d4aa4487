import { Client, DatabaseError, escapeIdentifier, escapeLiteral } from 'pg';
import { roleOf } from './connection';

/** The database lacks what modules need, and we may not create it; the message holds the SQL for whoever may. */
export class DatabaseNotPrepared extends Error {
  readonly code = 'database-not-prepared';
  constructor(modules: readonly string[], login: string, statements: readonly string[]) {
    super(
      `The database is not prepared for ${modules.join(', ')}, and ${login} may not do it. ` +
        `An administrator of the database must run:\n${statements.map((sql) => `  ${sql};`).join('\n')}`,
    );
  }
}

/** The server is older than the promises of the bus allow. */
export class DatabaseTooOld extends Error {
  readonly code = 'database-too-old';
  constructor(version: string) {
    super(
      `PostgreSQL ${version} is too old: 17 or later is needed (transaction_timeout). Set DATABASE_URL to such a server.`,
    );
  }
}

/** The server does not answer, or does not let us in. */
export class DatabaseUnreachable extends Error {
  readonly code = 'database-unreachable';
  constructor(module: string, url: string, cause: unknown) {
    const { host, pathname } = new URL(url);
    // Where a name has several addresses, the reasons are inside and the message is empty.
    const reasons = cause instanceof AggregateError ? cause.errors : [cause];
    const reason = reasons.map((error) => (error as Error).message).join('; ');
    super(
      `The database ${host}${pathname} of the module ${module} cannot be reached: ${reason}. ` +
        `Check DATABASE_URL (or ${module.toUpperCase()}_DATABASE_URL) and that the server runs.`,
      { cause },
    );
  }
}

const OLDEST = 170000;
const INSUFFICIENT_PRIVILEGE = '42501';
// duplicate_object, duplicate_schema, unique_violation, and "tuple concurrently updated", which has no code of its own.
const SOMEBODY_WAS_FASTER = ['42710', '42P06', '23505', 'XX000'];
const MOST_ATTEMPTS = 20;

interface Found {
  login: string;
  database: string;
  version: string;
  version_number: number;
  has_role: boolean;
  may_be_role: boolean;
  schema_owner: string | null;
}

/**
 * Makes sure that the module's role and schema exist and that the login may act as the role; creates what is missing if
 * it may. Throws DatabaseNotPrepared with the SQL otherwise, DatabaseUnreachable or DatabaseTooOld. Safe when several processes start at once.
 */
export async function prepareDatabase(module: string, url: string): Promise<void> {
  await withClient(module, url, async (client) => {
    for (let attempt = 1; ; attempt += 1) {
      const [next] = await whatIsMissing(client, module);
      if (next === undefined) return;
      await create(client, module, next, attempt < MOST_ATTEMPTS);
    }
  });
}

/** The statements that prepare a database for a module whose data `login` works on, the last for a schema of another owner. */
export function preparation(module: string, login: string) {
  const role = escapeIdentifier(roleOf(module));
  const schema = escapeIdentifier(module);
  return {
    createRole: `CREATE ROLE ${role} NOLOGIN`,
    grantRole: `GRANT ${role} TO ${escapeIdentifier(login)} WITH SET TRUE`,
    createSchema: `CREATE SCHEMA ${schema} AUTHORIZATION ${role}`,
    takeSchema: `ALTER SCHEMA ${schema} OWNER TO ${role}`,
  };
}

/** All that these modules lack, in one error: whoever prepares the database for them should have to come only once. */
export async function notPrepared(modules: readonly { module: string; url: string }[]): Promise<DatabaseNotPrepared> {
  const logins = new Set<string>();
  const statements: string[] = [];
  for (const { module, url } of modules) {
    await withClient(module, url, async (client) => {
      logins.add((await look(client, module)).login);
      statements.push(...(await whatIsMissing(client, module)));
    });
  }
  const names = modules.map(({ module }) => module);
  return new DatabaseNotPrepared(names, [...logins].join(' and '), statements);
}

async function withClient(module: string, url: string, work: (client: Client) => Promise<void>): Promise<void> {
  const client = new Client({ connectionString: url, application_name: `banyan ${module} (preparing)` });
  client.on('error', () => undefined);
  try {
    await client.connect();
  } catch (error) {
    throw new DatabaseUnreachable(module, url, error);
  }
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

async function create(client: Client, module: string, sql: string, mayBeLate: boolean): Promise<void> {
  try {
    await client.query(sql);
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    // Roles belong to the whole server, where no lock of this database keeps others from making the same one right now.
    if (mayBeLate && SOMEBODY_WAS_FASTER.includes(error.code ?? '')) return;
    if (error.code !== INSUFFICIENT_PRIVILEGE) throw error;
    const { login } = await look(client, module);
    throw new DatabaseNotPrepared([module], login, await whatIsMissing(client, module));
  }
}

async function whatIsMissing(client: Client, module: string): Promise<string[]> {
  const found = await look(client, module);
  if (found.version_number < OLDEST) throw new DatabaseTooOld(found.version);
  const { createRole, grantRole, createSchema, takeSchema } = preparation(module, found.login);
  const statements: string[] = [];
  if (!found.has_role) statements.push(createRole);
  if (!found.may_be_role) statements.push(grantRole);
  if (found.schema_owner === null) statements.push(createSchema);
  else if (found.schema_owner !== roleOf(module)) statements.push(takeSchema);
  return statements;
}

async function look(client: Client, module: string): Promise<Found> {
  const role = escapeLiteral(roleOf(module));
  const { rows } = await client.query<Found>(
    `SELECT session_user AS login, current_database() AS database,
            current_setting('server_version') AS version, current_setting('server_version_num')::int AS version_number,
            EXISTS (SELECT FROM pg_roles WHERE rolname = ${role}) AS has_role,
            coalesce((SELECT pg_has_role(session_user, oid, 'SET') FROM pg_roles WHERE rolname = ${role}), false) AS may_be_role,
            (SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = $1) AS schema_owner`,
    [module],
  );
  return rows[0] as Found;
}
