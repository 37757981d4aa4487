import { Client } from 'pg';
import { freshDatabase } from './database';

// Whoever keeps the databases of failing tests does not mean these.
delete process.env['KEEP_DATABASE'];

test('a fresh database is empty, one’s own, and gone when dropped', async () => {
  const [one, other] = await Promise.all([freshDatabase(), freshDatabase()]);
  const client = new Client({ connectionString: one.url });
  await client.connect();
  await client.query('CREATE TABLE mine (id int)');
  await client.end();

  const elsewhere = new Client({ connectionString: other.url });
  await elsewhere.connect();
  const tables = await elsewhere.query("SELECT 1 FROM pg_tables WHERE tablename = 'mine'");
  await elsewhere.end();
  expect(tables.rowCount).toBe(0);

  await Promise.all([one.drop(), other.drop()]);
  await expect(new Client({ connectionString: one.url }).connect()).rejects.toThrow('does not exist');
});
