import { Client } from 'pg';
import { freshDatabase, FreshDatabase } from '../database/database';
import { anOutageOfASubscriberIsOutlasted } from './essential-checks';
import { openPostOffice } from './post-office';
import { openRelay, Relay } from './relay';
import { describeOnEach } from './describe-on-each';
import { until } from './waiting';

describeOnEach('promise 9: patient', (transport) => {
  const texts = Array.from({ length: 200 }, (_, n) => String(n));
  let database: FreshDatabase;
  let relay: Relay;
  beforeEach(async () => {
    database = await freshDatabase();
    relay = await openRelay(database.url);
  });
  afterEach(async () => {
    await relay.close();
    await database.drop();
  });

  it('a subscriber’s database is away: the publisher goes on, and so do the others; then it drains in order', () =>
    anOutageOfASubscriberIsOutlasted(transport));

  it('the publisher’s own database is away: what it had accepted is heard as soon as it is back', async () => {
    const office = await openPostOffice({ transport, database, environment: { POST_DATABASE_URL: relay.url } });
    await office.caughtUp();
    relay.cut();
    await expect(office.send({ street: 'Elm', text: 'refused' })).rejects.toThrow();
    // Whoever reads its log: a subscriber, or what sends it on.
    await until(() => office.bus.edges().some(({ state }) => state === 'away'));
    relay.mend();
    await until(() => office.send({ street: 'Elm', text: 'accepted' }).then(() => true));
    await office.caughtUp();
    expect(await office.texts('town')).toEqual(['accepted']);
    await office.close();
  });

  it('connections that are cut again and again, in the middle of anything, lose nothing and double nothing', async () => {
    const office = await openPostOffice({ transport, database });
    const admin = new Client({ connectionString: database.url });
    await admin.connect();
    const cut = () =>
      admin.query(
        `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
         WHERE datname = current_database() AND application_name IN ('banyan town', 'banyan village')`,
      );
    for (const [n, text] of texts.entries()) {
      await office.send({ street: 'Elm', text }, { street: `Street ${n % 7}`, text });
      if (n % 20 === 19) await cut();
    }
    await office.caughtUp();
    await until(async () => (await office.held('town')).length + (await office.held('village')).length === 0);
    for (const place of ['town', 'village'] as const) {
      expect(await office.texts(place, 'Elm')).toEqual(texts);
      expect(await office.deliveries(place)).toHaveLength(2 * texts.length);
    }
    await admin.end();
    await office.close();
  });

  it('closes within seconds though the database has stopped answering', async () => {
    const office = await openPostOffice({ transport, database, environment: { TOWN_DATABASE_URL: relay.url } });
    await office.caughtUp();
    relay.swallow();
    await office.send({ street: 'Elm', text: 'unheard' });
    const began = performance.now();
    await office.close();
    expect(performance.now() - began).toBeLessThan(8_000);
  }, 15_000);
});
