import { freshDatabase, FreshDatabase } from '../../../test/database/database';
import type { Migration } from './connection';
import { migrationStatus, PendingMigrations, revertLatest } from './migrate';
import { openDatabase } from './open-database';

type Runner = { query(sql: string): Promise<unknown> };

const migration = (name: string, up: string, down: string): Migration =>
  ({
    [name]: class {
      async up(runner: Runner): Promise<void> {
        await runner.query(up);
      }
      async down(runner: Runner): Promise<void> {
        await runner.query(down);
      }
    },
  })[name] as unknown as Migration;

const books = migration('Books1700000000001', 'CREATE TABLE book (id int)', 'DROP TABLE book');
const authors = migration('Authors1700000000002', 'CREATE TABLE author (id int)', 'DROP TABLE author');

describe('opening a module’s database', () => {
  let fresh: FreshDatabase;
  beforeEach(async () => (fresh = await freshDatabase()));
  afterEach(() => fresh.drop());

  const open = (migrations: readonly Migration[], mayMigrate: boolean) =>
    openDatabase({
      module: 'shelf',
      url: fresh.url,
      poolSize: 2,
      transactionTimeoutMs: 5_000,
      entities: [],
      migrations,
      migrate: mayMigrate,
    });

  it('runs what is pending, where it may', async () => {
    const first = await open([books], true);
    await first.query('INSERT INTO book VALUES (1)');
    await first.close();
    const second = await open([books, authors], true);
    expect(await second.query('SELECT count(*) AS books, (SELECT count(*) FROM author) AS authors FROM book')).toEqual([
      { books: 1, authors: 0 },
    ]);
    await second.close();
  });

  it('refuses with the names of what is pending, where it may not', async () => {
    await (await open([books], true)).close();
    const refused = await open([books, authors], false).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(PendingMigrations);
    expect((refused as Error).message).toBe(
      'The module shelf has 1 pending migration(s): Authors1700000000002. Run: npm run db -- migrate',
    );
    await (await open([books], false)).close();
  });

  it('lets instances that start together agree who migrates', async () => {
    const instances = await Promise.all([0, 1, 2].map(() => open([books, authors], true)));
    await Promise.all(instances.map((instance) => instance.close()));
    expect(await migrationStatus('shelf', fresh.url, [books, authors])).toEqual([
      { name: 'Books1700000000001', ran: true },
      { name: 'Authors1700000000002', ran: true },
    ]);
  });

  it('leaves nothing of a migration that fails', async () => {
    const half = migration('Half1700000000003', 'CREATE TABLE half (id int); SELECT 1 / 0', 'DROP TABLE half');
    // TypeORM tells the console as well.
    const quiet = jest.spyOn(console, 'log').mockReturnValue();
    await expect(open([books, half], true)).rejects.toThrow('division by zero');
    quiet.mockRestore();
    const opened = await open([books], true);
    expect(await opened.query(`SELECT to_regclass('half') AS half, to_regclass('book')::text AS book`)).toEqual([
      { half: null, book: 'book' },
    ]);
    await opened.close();
  });

  it('the latest migration can be taken back', async () => {
    await (await open([books, authors], true)).close();
    await revertLatest('shelf', fresh.url, [books, authors]);
    expect((await migrationStatus('shelf', fresh.url, [books, authors])).map(({ ran }) => ran)).toEqual([true, false]);
  });
});
