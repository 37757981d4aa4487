import { setTimeout as delay } from 'node:timers/promises';
import { EntityManager } from 'typeorm';
import { freshDatabase, FreshDatabase } from '../../../test/database/database';
import { Database } from './database';
import { isDatabaseAway } from './database-errors';
import { openDatabase } from './open-database';
import { statement } from './statement';
import { Transaction } from './transaction';

const open = (url: string, module = 'shelf', settings: { poolSize?: number; transactionTimeoutMs?: number } = {}) =>
  openDatabase({
    module,
    url,
    poolSize: 4,
    transactionTimeoutMs: 5_000,
    entities: [],
    migrations: [],
    migrate: true,
    ...settings,
  });

describe('a module’s database', () => {
  let fresh: FreshDatabase;
  let database: Database;
  beforeAll(async () => {
    fresh = await freshDatabase();
    database = await open(fresh.url);
    await database.query('CREATE TABLE book (id bigint PRIMARY KEY, title text NOT NULL)');
  });
  beforeEach(() => database.query('TRUNCATE book'));
  afterAll(async () => {
    await database.close();
    await fresh.drop();
  });

  const put = (tx: Pick<Transaction, 'query'>, id: number, title = 'Emma') =>
    tx.query('INSERT INTO book VALUES ($1, $2)', [id, title]);
  const titles = async () =>
    (await database.query<{ title: string }>('SELECT title FROM book ORDER BY id')).map(({ title }) => title);

  it('is worked on as the module’s role, in its schema, in UTC, within a time', async () => {
    expect(
      await database.query(
        `SELECT current_user AS role, current_schema() AS schema, current_setting('timezone') AS zone,
                current_setting('transaction_timeout') AS timeout`,
      ),
    ).toEqual([{ role: 'banyan_shelf', schema: 'shelf', zone: 'UTC', timeout: '5s' }]);
  });

  it('answers with numbers, dates and parsed JSON', async () => {
    expect(
      await database.query(
        `SELECT 2550::bigint AS amount, '2026-11-20T12:00:00.123Z'::timestamptz AS at, '{"a": [1]}'::jsonb AS data`,
      ),
    ).toEqual([{ amount: 2550, at: new Date('2026-11-20T12:00:00.123Z'), data: { a: [1] } }]);
  });

  it('prepares a named statement once per connection, under its name', async () => {
    const byTitle = statement<{ id: number }>('book.by-title', 'SELECT id FROM book WHERE title = $1');
    await database.transaction(async (tx) => {
      // Also when sent without waiting for one another.
      await Promise.all(['Emma', 'Persuasion', 'Emma'].map((title) => tx.query(byTitle, [title])));
      expect(
        await tx.query(
          `SELECT name, generic_plans + custom_plans AS runs FROM pg_prepared_statements WHERE name = 'book.by-title'`,
        ),
      ).toEqual([{ name: 'book.by-title', runs: 3 }]);
    });
  });

  it('cannot be seen or touched by another module', async () => {
    const other = await open(fresh.url, 'attic');
    for (const sql of ['SELECT * FROM shelf.book', `INSERT INTO shelf.book VALUES (1, 'x')`, 'DROP TABLE shelf.book']) {
      await expect(other.query(sql)).rejects.toThrow('permission denied for schema shelf');
    }
    await expect(other.query('CREATE TABLE shelf.mine (id int)')).rejects.toThrow('permission denied for schema shelf');
    await other.close();
  });

  describe('in a transaction', () => {
    it('all is committed, and what waited for that happens after', async () => {
      let seen: unknown;
      await database.transaction(async (tx) => {
        tx.afterCommit(() => (seen = 'after'));
        await put(tx, 1);
        await put(tx, 2, 'Persuasion');
        expect(seen).toBeUndefined();
      });
      expect(seen).toBe('after');
      expect(await titles()).toEqual(['Emma', 'Persuasion']);
    });

    it('or nothing is, and what waited for it never happens', async () => {
      const after = jest.fn();
      const failing = database.transaction(async (tx) => {
        tx.afterCommit(after);
        await put(tx, 1);
        throw new Error('no');
      });
      await expect(failing).rejects.toThrow('no');
      expect(await titles()).toEqual([]);
      expect(after).not.toHaveBeenCalled();
    });

    it('an error that was passed over is told at the end', async () => {
      const after = jest.fn();
      const passing = database.transaction(async (tx) => {
        tx.afterCommit(after);
        await put(tx, 1);
        await put(tx, 1).catch(() => undefined);
      });
      await expect(passing).rejects.toMatchObject({ code: 'commit-refused' });
      expect(await titles()).toEqual([]);
      expect(after).not.toHaveBeenCalled();
    });

    it('what is sent needs no waiting for, and tells its rows before what follows the commit', async () => {
      const told: unknown[] = [];
      await database.transaction(async (tx) => {
        tx.afterCommit(() => told.push('committed'));
        tx.send(`INSERT INTO book VALUES (1, 'Emma'), (2, 'Persuasion') RETURNING id`, [], (rows) => told.push(rows));
        tx.send('UPDATE book SET title = title || $2 WHERE id = $1', [1, '!']);
      });
      expect(told).toEqual([[{ id: 1 }, { id: 2 }], 'committed']);
      expect(await titles()).toEqual(['Emma!', 'Persuasion']);
    });

    it.each([
      ['at the end', () => Promise.resolve()],
      ['to work that goes on', (tx: Transaction) => put(tx, 2)],
      ['to work that passes its own failure over', (tx: Transaction) => put(tx, 2).catch(() => undefined)],
    ])('what was sent and failed is told %s, and nothing is committed', async (_, goOn) => {
      const after = jest.fn();
      const failing = database.transaction(async (tx) => {
        tx.afterCommit(after);
        await put(tx, 1);
        tx.send(`INSERT INTO book VALUES (1, 'Persuasion')`);
        await goOn(tx);
      });
      await expect(failing).rejects.toMatchObject({ code: '23505' });
      expect(await titles()).toEqual([]);
      expect(after).not.toHaveBeenCalled();
    });

    it('what fails after the commit does not undo it in the eyes of the caller, nor keep the rest from happening', async () => {
      const after = jest.fn();
      const quiet = jest.spyOn(process.stderr, 'write').mockReturnValue(true);
      const answer = await database.transaction(async (tx) => {
        tx.afterCommit(() => {
          throw new Error('no');
        });
        tx.afterCommit(after);
        await put(tx, 1);
        return 'committed';
      });
      quiet.mockRestore();
      expect([answer, await titles()]).toEqual(['committed', ['Emma']]);
      expect(after).toHaveBeenCalled();
    });

    it('TypeORM works on the very same transaction', async () => {
      const failing = database.transaction(async (tx) => {
        await put(tx, 1);
        expect(await tx.entities.query('SELECT title FROM book')).toEqual([{ title: 'Emma' }]);
        await tx.entities.query(`INSERT INTO book VALUES (2, 'Persuasion')`);
        throw new Error('no');
      });
      await expect(failing).rejects.toThrow('no');
      expect(await titles()).toEqual([]);
    });

    it('nothing can be done once it is over, by whatever way', async () => {
      const over = await database.transaction(async (tx) => ({ tx, entities: tx.entities }));
      await expect(put(over.tx, 1)).rejects.toMatchObject({ code: 'transaction-is-over' });
      expect(() => over.tx.send('SELECT 1')).toThrow('The transaction is over');
      expect(() => over.tx.entities).toThrow('The transaction is over');
      expect(() => over.tx.afterCommit(() => undefined)).toThrow('The transaction is over');
      await expect((over.entities as EntityManager).query('SELECT 1')).rejects.toThrow();
    });

    it('whoever loses a deadlock does its work again', async () => {
      await database.transaction(async (tx) => {
        await put(tx, 1);
        await put(tx, 2);
      });
      let attempts = 0;
      let met = 0;
      let meet: () => void = () => undefined;
      const both = new Promise<void>((resolve) => (meet = resolve));
      const change = (first: number, second: number) =>
        database.transaction(async (tx) => {
          attempts += 1;
          await tx.query('UPDATE book SET title = title || $2 WHERE id = $1', [first, '!']);
          if ((met += 1) >= 2) meet();
          await both;
          await tx.query('UPDATE book SET title = title || $2 WHERE id = $1', [second, '!']);
        });
      await Promise.all([change(1, 2), change(2, 1)]);
      expect(await titles()).toEqual(['Emma!!', 'Emma!!']);
      expect(attempts).toBe(3);
    });

    it('contention that does not end is told after five attempts', async () => {
      const work = jest.fn(() => Promise.reject(Object.assign(new Error('deadlock'), { code: '40P01' })));
      await expect(database.transaction(work)).rejects.toThrow('deadlock');
      expect(work).toHaveBeenCalledTimes(5);
    });
  });

  it('a connection that dies in the middle is told as the database being away, and replaced', async () => {
    const dying = database.transaction(async (tx) => {
      await put(tx, 1);
      await tx.query('SET LOCAL ROLE NONE');
      await tx.query('SELECT pg_terminate_backend(pg_backend_pid())');
    });
    const error = await dying.catch((thrown: unknown) => thrown);
    expect(isDatabaseAway(error)).toBe(true);
    expect(await titles()).toEqual([]);
  });

  it('what takes longer than a transaction may is ended by the server', async () => {
    const brief = await open(fresh.url, 'shelf', { transactionTimeoutMs: 100 });
    const long = brief.transaction(async (tx) => {
      await tx.query(`INSERT INTO book VALUES (1, 'Emma')`);
      await tx.query('SELECT pg_sleep(10)');
    });
    expect(isDatabaseAway(await long.catch((thrown: unknown) => thrown))).toBe(true);
    expect(await titles()).toEqual([]);
    await brief.close();
  });

  it('a session stands beside the pool, and tells when it is lost', async () => {
    const narrow = await open(fresh.url, 'shelf', { poolSize: 1 });
    const { client, lost } = await narrow.session();
    const [pid] = (await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows;
    expect(await narrow.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await narrow.transaction(async (tx) => {
      await tx.query('SET LOCAL ROLE NONE');
      await tx.query('SELECT pg_terminate_backend($1)', [pid?.pid]);
    });
    await lost;
    await narrow.close();
  });

  it('closes in time though somebody still holds a connection', async () => {
    const held = await open(fresh.url);
    const unfinished = held.query('SELECT pg_sleep(3)').catch(() => undefined);
    await delay(0);
    const began = performance.now();
    await held.close(200);
    expect(performance.now() - began).toBeLessThan(2_000);
    await unfinished;
  });
});
