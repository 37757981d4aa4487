import { Database } from '@banyan/persistence';
import { Client } from 'pg';
import { openPostOffice, PostOffice } from './post-office';
import { transports } from './transports';
import { until } from './waiting';

const nameOf = (sql: unknown) => (sql as { name?: string }).name;

describe.each(transports)('promise 8: prompt ($name)', (transport) => {
  let office: PostOffice;
  beforeAll(async () => {
    office = await openPostOffice({ transport });
  });
  afterEach(() => jest.restoreAllMocks());
  afterAll(() => office.demolish());

  it('a committed message is handed on in memory: it arrives though the log shows nothing to whoever reads it', async () => {
    await office.send({ street: 'Elm', text: 'first' });
    await office.caughtUp();
    const query = Database.prototype.query;
    const reads = jest.spyOn(Database.prototype, 'query').mockImplementation(function (this: Database, sql, values) {
      return nameOf(sql) === 'outbox.read' ? Promise.resolve([]) : query.call(this, sql, values);
    } as typeof query);
    const texts = Array.from({ length: 50 }, (_, n) => `${n}`);
    for (const text of texts) await office.send({ street: 'Elm', text }, { street: `Street ${text}`, text });
    await until(
      async () => (await office.texts('town')).length === 101 && (await office.texts('village')).length === 101,
    );
    expect(await office.texts('town', 'Elm')).toEqual(['first', ...texts]);
    expect(reads).toHaveBeenCalled();
  });

  it('what another process has committed is found by the safety net, also while this one is busy', async () => {
    const elsewhere = await openPostOffice({ transport, database: office.database, connected: false });
    await elsewhere.send({ street: 'Far', text: 'away' });
    let sent = 0;
    await until(async () => {
      await office.send({ street: 'Busy', text: String((sent += 1)) });
      return (await office.texts('town', 'Far')).length === 1;
    });
    await elsewhere.close();
  });

  it('an idle system asks the database next to nothing', async () => {
    await office.caughtUp();
    const statements = jest.spyOn(Client.prototype, 'query');
    const seconds = 5;
    const end = performance.now() + seconds * 1_000;
    await until(() => performance.now() > end);
    const perSecond = statements.mock.calls.length / seconds;
    // Per edge a look at the log every two seconds; per module a lease every five and a look at what is held every ten.
    expect(perSecond).toBeLessThan(2.5);
    expect(perSecond).toBeGreaterThan(0);
  });
});
