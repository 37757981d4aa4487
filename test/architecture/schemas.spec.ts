import 'reflect-metadata';
import { migrate, openDatabase, prepareDatabase, type Database } from '@banyan/persistence';
import { Client } from 'pg';
import { moduleData } from '../../tools/db/modules';
import { freshDatabase, type FreshDatabase } from '../database/database';

class CreateSecret1795183200001 {
  async up(runner: { query(sql: string): Promise<unknown> }): Promise<void> {
    await runner.query(`CREATE TABLE secret (words text); INSERT INTO secret VALUES ('mine alone')`);
  }
  async down(): Promise<void> {}
}
const migrations = [CreateSecret1795183200001 as never];

const REFUSED = '42501';

describe('a module’s schema', () => {
  let fresh: FreshDatabase;
  let orders: Database;

  beforeAll(async () => {
    fresh = await freshDatabase();
    const connection = {
      url: fresh.url,
      poolSize: 1,
      transactionTimeoutMs: 30_000,
      entities: [],
      migrations,
      migrate: true,
    };
    orders = await openDatabase({ ...connection, module: 'orders' });
    await prepareDatabase('payments', fresh.url);
    await migrate('payments', fresh.url, migrations);
  });

  afterAll(async () => {
    await orders.dataSource.destroy();
    await fresh.drop();
  });

  it('is open to the module itself', async () => {
    expect(await orders.query('SELECT words FROM secret')).toEqual([{ words: 'mine alone' }]);
  });

  const trespasses = [
    'SELECT words FROM payments.secret',
    "INSERT INTO payments.secret VALUES ('not yours')",
    "UPDATE payments.secret SET words = 'changed'",
    'DELETE FROM payments.secret',
    'TRUNCATE payments.secret',
    'CREATE TABLE payments.squatter (id int)',
    'ALTER TABLE payments.secret ADD COLUMN more text',
    'DROP TABLE payments.secret',
    'SELECT count(*) FROM payments.migration',
    'DROP SCHEMA payments CASCADE',
    'CREATE TABLE public.meeting_place (id int)',
  ];

  it.each(trespasses)('is closed to another module by the database itself: %s', async (sql) => {
    await expect(orders.query(sql)).rejects.toMatchObject({ code: REFUSED });
  });

  it('would be seen open if somebody opened it', async () => {
    await asAdministrator('GRANT USAGE ON SCHEMA payments TO banyan_orders');
    await asAdministrator('GRANT SELECT ON payments.secret TO banyan_orders');
    expect(await orders.query('SELECT words FROM payments.secret')).toEqual([{ words: 'mine alone' }]);
  });

  async function asAdministrator(sql: string): Promise<void> {
    await administrator(fresh.url, sql);
  }
});

describe('the schemas of the shop', () => {
  let fresh: FreshDatabase;

  beforeAll(async () => {
    fresh = await freshDatabase();
    for (const { module, migrations } of moduleData) {
      await prepareDatabase(module, fresh.url);
      await migrate(module, fresh.url, migrations);
    }
  });

  afterAll(() => fresh.drop());

  const trespassers = () => administrator(fresh.url, TRESPASSERS, [moduleData.map(({ module }) => module)]);

  it('are closed to every module but their own, table by table', async () => {
    expect(await trespassers()).toEqual([]);
  });

  it('would be seen open if a migration opened one', async () => {
    await administrator(fresh.url, 'GRANT SELECT ON payments.payment TO banyan_orders');
    expect(await trespassers()).toEqual([{ role: 'banyan_orders', reaches: 'payments.payment' }]);
  });
});

const TRESPASSERS = `
  SELECT rolname AS role, format('%I.%I', nspname, relname) AS reaches
  FROM unnest($1::text[]) AS own
  JOIN pg_roles ON rolname = 'banyan_' || own
  JOIN pg_namespace ON nspname = ANY ($1) AND nspname <> own
  JOIN pg_class ON relnamespace = pg_namespace.oid AND relkind IN ('r', 'p', 'v', 'm', 'S')
  WHERE CASE relkind
    WHEN 'S' THEN has_sequence_privilege(pg_roles.oid, pg_class.oid, 'USAGE, SELECT, UPDATE')
    ELSE has_table_privilege(pg_roles.oid, pg_class.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
  END
  ORDER BY 1, 2`;

async function administrator(url: string, sql: string, values: unknown[] = []): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query(sql, values).finally(() => client.end());
  return rows as unknown[];
}
