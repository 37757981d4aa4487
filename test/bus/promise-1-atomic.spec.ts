import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { arm, disarmFailpoints, timesFired } from '@banyan/failpoints';
import { freshDatabase } from '../database/database';
import { whatIsCommittedWhileNobodyListensIsHeardLater, whatIsRolledBackIsNeverHeard } from './essential-checks';
import { letterSent, openPostOffice, PostOffice } from './post-office';
import { describeOnEach } from './describe-on-each';

describeOnEach('promise 1: atomic', (transport) => {
  let office: PostOffice;
  beforeAll(async () => {
    office = await openPostOffice({ transport });
  });
  afterEach(disarmFailpoints);
  afterAll(() => office.demolish());

  it('everybody subscribed hears of what was committed', async () => {
    await office.send({ street: 'Elm', text: 'hello' });
    await office.caughtUp();
    expect(await office.deliveries('town')).toMatchObject([{ street: 'Elm', sequence: 1, text: 'hello' }]);
    expect(await office.deliveries('village')).toMatchObject([{ street: 'Elm', sequence: 1, text: 'hello' }]);
  });

  it('nobody ever hears of what was rolled back, and the stream has no hole', () =>
    whatIsRolledBackIsNeverHeard(transport));

  it('a transaction whose failed statement was passed over commits nothing, says so, and nobody hears of it', async () => {
    await expect(
      office.post.database.transaction(async (tx) => {
        await office.post.outbox.publish(tx, [letterSent({ street: 'Ash', text: 'never' })]);
        await tx.query('SELECT 1 / 0').catch(() => undefined);
      }),
    ).rejects.toThrow('Nothing was committed');
    await office.caughtUp();
    expect(await office.texts('town', 'Ash')).toEqual([]);
  });

  it('publishing outside a transaction throws, and so does publishing in one that is over', async () => {
    const letter = letterSent({ street: 'Oak', text: 'stray' });
    await expect(office.post.outbox.publish(undefined as never, [letter])).rejects.toThrow(
      'outside an open transaction',
    );
    const over = await office.post.database.transaction(async (tx) => tx);
    await expect(office.post.outbox.publish(over, [letter])).rejects.toThrow('outside an open transaction');
  });

  it('publishing with the data of another module throws', async () => {
    const letter = letterSent({ street: 'Oak', text: 'stray' });
    const inTown = office.databaseOf('town').transaction((tx) => office.post.outbox.publish(tx, [letter]));
    await expect(inTown).rejects.toThrow('The outbox of post was given a transaction of town');
  });

  it('what breaks its own schema, or has no key, is refused to whoever publishes it', async () => {
    await expect(office.send({ street: 'Oak', text: 7 as never })).rejects.toThrow('does not fit its schema');
    await expect(office.send({ street: '', text: 'to nowhere' })).rejects.toThrow('its key is empty');
  });

  it('what was committed by a publisher that died before it could hand it over is heard all the same', async () => {
    arm({ name: 'transaction.after-commit', act: 'throw', hit: 1 }, 'test');
    await expect(office.send({ street: 'Fir', text: 'orphan' })).rejects.toThrow('armed to throw');
    expect(timesFired('transaction.after-commit')).toBe(1);
    await office.caughtUp();
    expect(await office.texts('town', 'Fir')).toEqual(['orphan']);
    await office.send({ street: 'Fir', text: 'second' });
    await office.caughtUp();
    expect(await office.texts('village', 'Fir')).toEqual(['orphan', 'second']);
  });

  it('what was committed while nobody listened is heard at the next start', () =>
    whatIsCommittedWhileNobodyListensIsHeardLater(transport));

  it('whoever is killed wherever: all or nothing was committed, and everybody hears of it once', async () => {
    const database = await freshDatabase();
    await (await openPostOffice({ transport, database, connected: false })).close();
    const uncommitted = ['outbox.after-insert', 'transaction.before-commit'];
    const committed = [
      'transaction.after-commit',
      'consumer.after-handlers',
      'consumer.before-commit',
      'consumer.after-commit',
    ];
    for (const failpoint of [...uncommitted, ...committed]) {
      const child = fork(join(__dirname, 'send-and-be-killed.ts'), [database.url, transport.name, failpoint], {
        execArgv: ['--require', join(__dirname, '../run-from-source.cjs')],
      });
      expect([failpoint, ...(await once(child, 'exit'))]).toEqual([failpoint, null, 'SIGKILL']);
    }
    const survivor = await openPostOffice({ transport, database });
    await survivor.caughtUp();
    for (const place of ['town', 'village'] as const) {
      for (const failpoint of uncommitted) expect(await survivor.texts(place, failpoint)).toEqual([]);
      for (const failpoint of committed)
        expect(await survivor.texts(place, failpoint)).toEqual(['one', 'two', 'three']);
    }
    await survivor.demolish();
  }, 60_000);
});
