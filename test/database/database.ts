import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { Client } from 'pg';

export interface FreshDatabase {
  /** A superuser's URL. */
  url: string;
  /** Removes it, cutting whatever is still connected. Does nothing with KEEP_DATABASE=1. */
  drop(): Promise<void>;
}

/** An empty database of one's own on the server of this test run. Roles are the server's, so tests share those. */
export async function freshDatabase(): Promise<FreshDatabase> {
  const server = process.env['TEST_DATABASE_URL'];
  if (!server) throw new Error('TEST_DATABASE_URL is not set: this Jest project lacks test/database/start.ts.');
  const name = `test_${process.pid}_${randomBytes(4).toString('hex')}`;
  await asSuperuser(server, (client) => retryWhileTemplateIsBusy(() => client.query(`CREATE DATABASE ${name}`)));
  const url = new URL(server);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    drop: async () => {
      if (process.env['KEEP_DATABASE'] === '1') process.stderr.write(`Kept: ${url.href}\n`);
      else await asSuperuser(server, (client) => client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
    },
  };
}

async function asSuperuser(url: string, work: (client: Client) => Promise<unknown>): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

/** PostgreSQL copies template1 and refuses while somebody is connected to it, autovacuum included. */
async function retryWhileTemplateIsBusy(create: () => Promise<unknown>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return void (await create());
    } catch (error) {
      const busy = (error as { code?: string }).code === '55006';
      if (!busy || attempt === 50) throw error;
      await wait(100);
    }
  }
}
