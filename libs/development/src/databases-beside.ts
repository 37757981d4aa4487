import { databaseVariableOf } from '@banyan/config';
import { Client } from 'pg';

/**
 * A database per module on the server of this URL, made where it is missing, named after the one in the URL: the variables
 * that say where they are. A module whose variable the environment sets already is left to it.
 */
export async function databasesBeside(
  url: string,
  modules: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<Record<string, string>> {
  const supplied: Record<string, string> = {};
  for (const module of modules) {
    const variable = databaseVariableOf(module);
    if (env[variable]) continue;
    const own = new URL(url);
    const name = `${decodeURIComponent(own.pathname.slice(1))}_${module.replaceAll('-', '_')}`;
    own.pathname = `/${encodeURIComponent(name)}`;
    await createDatabase(url, name);
    supplied[variable] = own.href;
  }
  return supplied;
}

async function createDatabase(url: string, name: string): Promise<void> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    const found = await client.query('SELECT FROM pg_database WHERE datname = $1', [name]);
    if (found.rowCount === 0) await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`);
  } finally {
    await client.end();
  }
}
