import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedPostgres } from '@banyan/development';
import type { Database } from '@banyan/persistence';
import { Client } from 'pg';
import { freshDatabase } from '../database/database';
import { aNewSubscriberBeginsAtTheBeginning, whatHasBeenHeardStaysUntouched } from './essential-checks';
import { carryParcel, letterSent, openPostOffice, PostOffice } from './post-office';
import { restore } from './restore';
import { describeOnEach } from './describe-on-each';
import { gate, until } from './waiting';

const DAY_MS = 86_400_000;
const dayOf = (time: number) => new Date(time).toISOString().slice(0, 10);

describeOnEach('promise 10: a log, not a queue', (transport) => {
  const partitions = async (database: Database) => {
    const rows = await database.query<{ name: string }>(
      `SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'outbox'::regclass ORDER BY 1`,
    );
    return rows.map(({ name }) => name);
  };
  const nameOf = (day: string) => `outbox_${day.replaceAll('-', '_')}`;

  /** As if everything in a module's log had been sent twenty days ago. */
  const age = async (database: Database) => {
    const day = dayOf(Date.now() - 20 * DAY_MS);
    await database.query(
      `CREATE TABLE ${nameOf(day)} PARTITION OF outbox FOR VALUES FROM ('${day}') TO ('${dayOf(Date.parse(day) + DAY_MS)}')`,
    );
    await database.query(`UPDATE outbox SET day = '${day}'`);
    return nameOf(day);
  };

  it('what has been heard stays where it is, and its rows are not touched', () =>
    whatHasBeenHeardStaysUntouched(transport));

  it('a new subscriber begins at the beginning of what is kept', () => aNewSubscriberBeginsAtTheBeginning(transport));

  it('a subscriber that listens to a topic for the first time hears it from its beginning, and nothing else twice', async () => {
    const database = await freshDatabase();
    const closed = await openPostOffice({ transport, database, connected: false });
    await closed.publish(carryParcel({ street: 'Elm', weight: 1 }), letterSent({ street: 'Elm', text: 'one' }));
    await closed.publish(carryParcel({ street: 'Elm', weight: 2 }));
    await closed.close();
    const lettersOnly = await openPostOffice({ transport, database, parcels: false });
    await lettersOnly.send({ street: 'Elm', text: 'two' });
    await lettersOnly.caughtUp();
    expect(await lettersOnly.texts('town')).toEqual(['one', 'two']);
    await lettersOnly.close();

    const both = await openPostOffice({ transport, database });
    await both.publish(carryParcel({ street: 'Elm', weight: 3 }));
    await both.caughtUp();
    const texts = await both.texts('town');
    expect(texts.filter((text) => !text.endsWith('kg'))).toEqual(['one', 'two']);
    expect(texts.filter((text) => text.endsWith('kg'))).toEqual(['1 kg', '2 kg', '3 kg']);
    expect(await both.held('town')).toEqual([]);
    await both.demolish();
  });

  it('days are made ahead, also for an app that was down for weeks, before anything is published', async () => {
    const database = await freshDatabase();
    const before = await openPostOffice({ transport, database, connected: false });
    const expected = Array.from({ length: 9 }, (_, n) => nameOf(dayOf(Date.now() + (n - 1) * DAY_MS)));
    expect(await partitions(before.post.database)).toEqual(expected);
    for (const name of expected) await before.post.database.query(`DROP TABLE ${name}`);
    await expect(before.send({ street: 'Elm', text: 'too late' })).rejects.toThrow('no partition');
    await before.close();
    const after = await openPostOffice({ transport, database, connected: false });
    await after.send({ street: 'Elm', text: 'in time' });
    await after.demolish();
  });

  it('several instances that make the days at once do not get in one another’s way', async () => {
    const database = await freshDatabase();
    await (await openPostOffice({ transport, database, connected: false })).close();
    const admin = new Client({ connectionString: database.url });
    await admin.connect();
    await admin.query(`DO $$ DECLARE name text; BEGIN
      FOR name IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'post.outbox'::regclass LOOP
        EXECUTE 'DROP TABLE ' || name;
      END LOOP; END $$`);
    await admin.end();
    const instances = await Promise.all([0, 1, 2].map(() => openPostOffice({ transport, database, connected: false })));
    expect(await partitions((instances[0] as PostOffice).post.database)).toHaveLength(9);
    await Promise.all(instances.map((instance) => instance.close()));
    await database.drop();
  });

  it('an old day is dropped once everybody is past it, and not before; that it is gone is remembered', async () => {
    const database = await freshDatabase();
    const closed = await openPostOffice({ transport, database, connected: false });
    await closed.send({ street: 'Elm', text: 'one' }, { street: 'Elm', text: 'two' });
    const old = await age(closed.post.database);
    for (const place of ['town', 'village'] as const) await age(closed.databaseOf(place));
    await closed.close();

    const { opened, open } = gate();
    const places = ['town', 'village'] as const;
    const behind = await openPostOffice({
      transport,
      database,
      behave: (place) => (place === 'village' ? opened : undefined),
    });
    await behind.bus.caughtUp('town');
    // To the logs of the places nobody listens, so their old days can go: the sign that somebody has been at it.
    for (const place of places) await until(async () => !(await partitions(behind.databaseOf(place))).includes(old));
    if (transport.differs.keptFor === 'subscribers') expect(await partitions(behind.post.database)).toContain(old);
    open();
    await behind.caughtUp();
    for (const place of places) await until(async () => (await behind.positionOf(place)) === 2);
    await behind.close();

    const past = await openPostOffice({ transport, database, places: ['town'] });
    await until(async () => !(await partitions(past.post.database)).includes(old));
    expect(await past.post.database.query('SELECT through FROM outbox_dropped')).toEqual([{ through: 2 }]);
    await past.send({ street: 'Elm', text: 'three' });
    await past.caughtUp();
    expect(await past.texts('town')).toEqual(['one', 'two', 'three']);
    await past.demolish();
  });

  it('whoever comes after something was dropped begins behind it, knows that, and takes no offence', async () => {
    const database = await freshDatabase();
    const early = await openPostOffice({ transport, database, places: ['town'] });
    await early.send({ street: 'Elm', text: 'one' }, { street: 'Elm', text: 'two' });
    await early.caughtUp();
    const old = await age(early.post.database);
    await early.close();
    const dropping = await openPostOffice({ transport, database, places: ['town'] });
    await until(async () => !(await partitions(dropping.post.database)).includes(old));
    await dropping.send({ street: 'Elm', text: 'three' });
    await dropping.close();

    const newcomer = await openPostOffice({ transport, database });
    await newcomer.caughtUp();
    const topicsKeepIt = transport.differs.keptFor === 'topics';
    expect(await newcomer.texts('village')).toEqual(topicsKeepIt ? ['one', 'two', 'three'] : ['three']);
    expect(await newcomer.held('village')).toEqual([]);
    expect(await newcomer.databaseOf('village').query('SELECT complete FROM subscription')).toEqual([
      { complete: topicsKeepIt },
    ]);
    expect(await newcomer.texts('town')).toEqual(['one', 'two', 'three']);
    await newcomer.demolish();
  });

  it('what is missing from the log is noticed: the message after it is parked, and nothing is skipped in silence', async () => {
    const office = await openPostOffice({ transport });
    const elsewhere = await openPostOffice({ transport, database: office.database, connected: false });
    await office.send({ street: 'Elm', text: 'one' });
    await office.caughtUp();
    await elsewhere.post.database.transaction(async (tx) => {
      await elsewhere.post.outbox.publish(tx, [
        letterSent({ street: 'Elm', text: 'two' }),
        letterSent({ street: 'Elm', text: 'three' }),
      ]);
      await tx.query(`DELETE FROM outbox WHERE sequence = 2`);
    });
    await office.caughtUp();
    expect(await office.texts('town')).toEqual(['one']);
    expect(await office.held('town')).toMatchObject([{ sequence: 3, state: 'parked', code: 'sequence-broken' }]);
    await elsewhere.close();
    await office.demolish();
  });

  it('restored on another server it carries on from where it was', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'banyan-test-'));
    // Root's PostgreSQL runs as an unprivileged user, who has to get in.
    chmodSync(folder, 0o711);
    const server = await startEmbeddedPostgres({ folder: join(folder, 'postgres'), database: 'postgres' });
    const restored = { url: server.url, drop: async () => {} };
    const here = await openPostOffice({ transport });
    try {
      await here.send({ street: 'Elm', text: 'one' }, { street: 'Oak', text: 'uno' });
      await here.caughtUp();
      await here.close();
      const unheard = await openPostOffice({ transport, database: here.database, connected: false });
      await unheard.send({ street: 'Elm', text: 'two' });
      await unheard.close();

      await (await openPostOffice({ transport, database: restored, connected: false })).close();
      await restore(here.database.url, server.url, ['post', 'town', 'village']);
      const there = await openPostOffice({ transport, database: restored });
      await there.send({ street: 'Elm', text: 'three' });
      await there.caughtUp();
      for (const place of ['town', 'village'] as const) {
        expect(await there.texts(place, 'Elm')).toEqual(['one', 'two', 'three']);
        expect(await there.texts(place, 'Oak')).toEqual(['uno']);
        expect(await there.held(place)).toEqual([]);
      }
      await there.close();
    } finally {
      await here.demolish();
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  }, 60_000);

  it('a publisher restored to an older state goes on where its subscribers are, once its counters are raised', async () => {
    const database = await freshDatabase();
    const before = await openPostOffice({ transport, database });
    await before.send({ street: 'Elm', text: 'one' });
    await before.send({ street: 'Elm', text: 'two' }, { street: 'Oak', text: 'uno' });
    await before.caughtUp();
    await before.close();
    const stopped = await openPostOffice({ transport, database, connected: false });
    await stopped.post.database.query(`DELETE FROM outbox WHERE key = 'Oak' OR sequence > 1`);
    await stopped.post.database.query(`DELETE FROM stream WHERE key = 'Oak'`);
    await stopped.post.database.query(`UPDATE stream SET last_sequence = 1`);
    await stopped.post.database.query(`SELECT setval('outbox_position', 1)`);
    await stopped.post.database.query(`UPDATE relay SET position = 1`);
    await stopped.close();
    const admin = new Client({ connectionString: database.url });
    await admin.connect();
    // As docs/runbooks/a-restored-database.md has it.
    await admin.query(`
      INSERT INTO post.stream AS s (topic, key, last_sequence)
      SELECT topic, key, max(last_sequence) FROM (
        SELECT * FROM town.stream_memory UNION ALL SELECT * FROM village.stream_memory) heard
      WHERE source = 'post' GROUP BY topic, key
      ON CONFLICT (topic, key) DO UPDATE SET last_sequence = greatest(s.last_sequence, excluded.last_sequence);
      SELECT setval('post.outbox_position', greatest((SELECT last_value FROM post.outbox_position), max(position))) FROM (
        SELECT position FROM town.subscription WHERE source = 'post'
        UNION ALL SELECT position FROM village.subscription WHERE source = 'post'
        UNION ALL SELECT position FROM post.relay) passed`);
    await admin.end();
    const after = await openPostOffice({ transport, database });
    await after.send({ street: 'Elm', text: 'three' }, { street: 'Oak', text: 'due' });
    await after.caughtUp();
    expect(await after.texts('town', 'Elm')).toEqual(['one', 'two', 'three']);
    expect(await after.texts('village', 'Oak')).toEqual(['uno', 'due']);
    expect(await after.held('town')).toEqual([]);
    await after.demolish();
  });

  it('a position follows the log also where it holds nothing for the subscriber, so that old days can go', async () => {
    const office = await openPostOffice({ transport });
    await office.publish(...[1, 2, 3].map((weight) => carryParcel({ street: 'Elm', weight })));
    await until(async () => (await office.positionOf('village')) === 3);
    expect(await office.deliveries('village')).toEqual([]);
    await office.demolish();
  });
});
