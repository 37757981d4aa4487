import { Client } from 'pg';
import { freshDatabase } from '../database/database';
import { whatCommitsLateIsHeard } from './essential-checks';
import { letterSent, openPostOffice, PostOffice } from './post-office';
import { describeOnEach } from './describe-on-each';
import { gate, until } from './waiting';

describeOnEach('promise 6: no gaps', (transport) => {
  let office: PostOffice;
  /** Commits to the same log without a word to the office, as another process would. */
  let elsewhere: PostOffice;
  beforeAll(async () => {
    office = await openPostOffice({ transport, environment: { DATABASE_TRANSACTION_TIMEOUT_MS: '60000' } });
    elsewhere = await openPostOffice({ transport, database: office.database, connected: false });
  });
  afterAll(async () => {
    await elsewhere.close();
    await office.demolish();
  });

  const lastPosition = async () => {
    const [row] = await office.post.database.query<{ last: number }>('SELECT max(position) AS last FROM outbox');
    return row?.last as number;
  };

  it('what commits late, below what is heard already, is heard', () => whatCommitsLateIsHeard(transport));

  it.each(['office', 'elsewhere'])(
    'what commits late in the %s, below what is heard already, is heard',
    async (who) => {
      const late = who === 'office' ? office : elsewhere;
      const { opened, open } = gate();
      const written = gate();
      const committed = late.post.database.transaction(async (tx) => {
        await late.post.outbox.publish(tx, [letterSent({ street: `Late ${who}`, text: 'late' })]);
        await tx.query('SELECT');
        written.open();
        await opened;
      });
      await written.opened;
      await office.send({ street: 'Early', text: who });
      await elsewhere.send({ street: 'Early too', text: who });
      await office.caughtUp();
      expect(await office.texts('town', 'Early')).toContain(who);
      expect(await office.texts('town', 'Early too')).toContain(who);
      expect(await office.texts('town', `Late ${who}`)).toEqual([]);
      // What is stored must not claim what is still missing.
      expect(await office.positionOf('town')).toBeLessThan((await lastPosition()) - 1);
      open();
      await committed;
      await office.caughtUp();
      expect(await office.texts('town', `Late ${who}`)).toEqual(['late']);
      expect(await office.texts('village', `Late ${who}`)).toEqual(['late']);
    },
  );

  it('a subscriber that restarts while something is missing still hears it', async () => {
    const database = await freshDatabase();
    const first = await openPostOffice({ transport, database });
    const writer = await openPostOffice({ transport, database, connected: false });
    const { opened, open } = gate();
    const written = gate();
    const committed = writer.post.database.transaction(async (tx) => {
      await writer.post.outbox.publish(tx, [letterSent({ street: 'Elm', text: 'late' })]);
      await tx.query('SELECT');
      written.open();
      await opened;
    });
    await written.opened;
    await first.send({ street: 'Oak', text: 'early' });
    await first.caughtUp();
    await first.close();
    open();
    await committed;
    await writer.close();
    const second = await openPostOffice({ transport, database });
    await second.caughtUp();
    expect((await second.texts('town')).sort()).toEqual(['early', 'late']);
    await second.demolish();
  });

  it('positions that were rolled back hold nobody up, however many', async () => {
    await office.post.database.query(`SELECT nextval('outbox_position') FROM generate_series(1, 100000)`);
    await expect(
      office.post.database.transaction(async (tx) => {
        await office.post.outbox.publish(tx, [letterSent({ street: 'Void', text: 'never' })]);
        throw new Error('changed my mind');
      }),
    ).rejects.toThrow('changed my mind');
    await office.send({ street: 'After', text: 'one' });
    await elsewhere.send({ street: 'After', text: 'two' });
    await office.caughtUp();
    expect(await office.texts('town', 'After')).toEqual(['one', 'two']);
  });

  it('the server ends what lives longer than it may, so that what has not come by then never will', async () => {
    const brief = await openPostOffice({
      transport,
      database: office.database,
      connected: false,
      environment: { DATABASE_TRANSACTION_TIMEOUT_MS: '100' },
    });
    const tooLong = brief.post.database.transaction(async (tx) => {
      await brief.post.outbox.publish(tx, [letterSent({ street: 'Slow', text: 'never' })]);
      await tx.query('SELECT pg_sleep(30)');
    });
    // "terminating connection due to transaction timeout"
    await expect(tooLong).rejects.toMatchObject({ code: '25P04' });
    await office.caughtUp();
    expect(await office.texts('town', 'Slow')).toEqual([]);
    await brief.close();
  });

  it('a writer that stays open in another database, or in a table of nobody’s concern, stalls nothing', async () => {
    const strange = await freshDatabase();
    const strangers = [
      new Client({ connectionString: strange.url }),
      new Client({ connectionString: office.database.url }),
    ];
    for (const stranger of strangers) {
      await stranger.connect();
      await stranger.query(
        'CREATE TABLE concern (n int); BEGIN; INSERT INTO concern VALUES (1); SELECT txid_current()',
      );
    }
    const quiet = await openPostOffice({ transport });
    await quiet.send({ street: 'Elm', text: 'on time' });
    await quiet.caughtUp();
    expect(await quiet.texts('town')).toEqual(['on time']);
    await until(async () => (await quiet.positionOf('town')) === 1);
    for (const stranger of strangers) await stranger.end();
    await quiet.demolish();
    await strange.drop();
  });

  it('nothing that is stored means anything to this one server only', async () => {
    const rows = await office.post.database.query(
      `SELECT n.nspname, c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
       JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_type t ON t.oid = a.atttypid
       WHERE n.nspname IN ('post', 'town', 'village') AND a.attnum > 0
         AND t.typname IN ('xid', 'xid8', 'cid', 'tid', 'pg_lsn', 'txid_snapshot', 'pg_snapshot', 'oid')`,
    );
    expect(rows).toEqual([]);
  });
});
