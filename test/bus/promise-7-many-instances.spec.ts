import { Client } from 'pg';
import { aLateOwnerHasNoEffect, expectEverythingInOrder, whatADeadOwnerLeavesIsTakenOver } from './essential-checks';
import { STAND_STILL } from './instance';
import { Instance } from './instances';
import { openPostOffice, PostOffice } from './post-office';
import { transports } from './transports';
import { until } from './waiting';

describe.each(transports)('promise 7: many instances ($name)', (transport) => {
  it('an owner that others have gone on without cannot commit an effect', () => aLateOwnerHasNoEffect(transport));

  it('what an owner leaves whose session is gone is taken over within seconds', () =>
    whatADeadOwnerLeavesIsTakenOver(transport));

  it('two instances share the work, and either goes on alone', async () => {
    const one = await openPostOffice({ transport });
    const two = await openPostOffice({ transport, database: one.database });
    await Promise.all([one.caughtUp(), two.caughtUp()]);
    const owners = [one, two].flatMap((office) => office.bus.edges().filter(({ state }) => state === 'running'));
    expect(owners.map(({ subscriber }) => subscriber).sort()).toEqual(['town', 'village']);

    const send = (office: PostOffice, text: string) => office.send({ street: 'Elm', text }, { street: text, text });
    for (let n = 0; n < 10; n += 1) await send(n % 2 === 0 ? one : two, String(n));
    await Promise.all([one.caughtUp(), two.caughtUp()]);
    await one.close();
    for (let n = 10; n < 20; n += 1) await send(two, String(n));
    await two.caughtUp();
    for (const place of ['town', 'village'] as const) {
      expect(await two.texts(place, 'Elm')).toEqual(Array.from({ length: 20 }, (_, n) => String(n)));
      expect(await two.texts(place)).toHaveLength(40);
    }
    await two.demolish();
  });

  describe('as processes', () => {
    let witness: PostOffice;
    let instances: Instance[];
    beforeAll(async () => {
      // Looks at what is there, and takes no part.
      witness = await openPostOffice({ transport, connected: false });
      const first = await Instance.open(witness.database.url, transport);
      instances = [first, await Instance.open(witness.database.url, transport)];
    }, 60_000);
    afterAll(async () => {
      await Promise.all(instances.map((instance) => instance.kill()));
      await witness.demolish();
    });

    const numbered = (name: string) => Array.from({ length: 60 }, (_, n) => `${name} ${n}`);
    const sortedByOwner = async () => {
      const [one, other] = instances as [Instance, Instance];
      return (await one.owns()).includes('town') ? ([one, other] as const) : ([other, one] as const);
    };
    const heard = (place: 'town' | 'village', text: string) => async () => (await witness.texts(place)).includes(text);
    const ownsAll = (instance: Instance) => async () => (await instance.owns()).length === 2;

    it('an owner that is stopped in the middle of a batch for longer than its lease does nothing when it wakes', async () => {
      const [owner, other] = await sortedByOwner();
      const stands = owner.says(STAND_STILL);
      await Promise.all([other.send('Oak', [STAND_STILL]), stands]);
      owner.pause();
      const takenOver = other.says(STAND_STILL);
      await other.send('Ash', ['meanwhile']);
      await takenOver;
      other.goOn();
      await until(heard('town', STAND_STILL));
      owner.resume();
      owner.goOn();
      await owner.send('Oak', ['after the sleep']);
      await until(heard('town', 'after the sleep'), 5_000);
      expect(await witness.texts('town', 'Oak')).toEqual([STAND_STILL, 'after the sleep']);
    }, 40_000);

    it('while both publish, one is stopped and the other killed: each message has its effect once, in order', async () => {
      const [owner, other] = await sortedByOwner();
      const sending = other.send('Elm', numbered('other'));
      await owner.send('Elm', numbered('owner'));
      owner.pause();
      await sending;
      await other.send('Fir', numbered('other'));
      await until(ownsAll(other), 10_000);
      await until(heard('village', 'other 59'));
      owner.resume();
      await Promise.all([owner.send('Elm', numbered('late')), other.send('Elm', numbered('early'))]);

      await other.kill();
      await owner.send('Fir', ['goodbye']);
      await until(ownsAll(owner), 10_000);
      await until(async () => (await witness.deliveries('village')).length === 3 + 5 * 60 + 1);
      await until(async () => (await witness.deliveries('town')).length === 3 + 5 * 60 + 1);
      await expectEverythingInOrder(witness);
    }, 60_000);
  });

  it('who waits for the bus is told when it stops', async () => {
    const office = await openPostOffice({ transport });
    const other = new Client({ connectionString: office.database.url });
    await other.connect();
    await office.caughtUp();
    await other.query('BEGIN; LOCK TABLE town.stream_memory IN ACCESS EXCLUSIVE MODE');
    await office.send({ street: 'Elm', text: 'hello' });
    const waiting = expect(office.bus.caughtUp('town')).rejects.toThrow('The bus has stopped.');
    const closed = office.close();
    await other.query('ROLLBACK');
    await Promise.all([closed, waiting]);
    await other.end();
    await office.database.drop();
  });
});
