import { Client } from 'pg';
import { aLateOwnerHasNoEffect, expectEverythingInOrder, whatADeadOwnerLeavesIsTakenOver } from './essential-checks';
import { STAND_STILL } from './instance';
import { Instance } from './instances';
import { openPostOffice, PostOffice } from './post-office';
import { describeOnEach } from './describe-on-each';
import { until } from './waiting';

describeOnEach('promise 7: many instances', (transport) => {
  it('an owner that others have gone on without cannot commit an effect', () => aLateOwnerHasNoEffect(transport));

  it('what an owner leaves whose session is gone is taken over within seconds', () =>
    whatADeadOwnerLeavesIsTakenOver(transport));

  it('two instances share the work, and either goes on alone', async () => {
    const one = await openPostOffice({ transport });
    const two = await openPostOffice({ transport, database: one.database });
    await Promise.all([one.caughtUp(), two.caughtUp()]);
    const places = ['town', 'village'];
    const owners = () =>
      [one, two]
        .flatMap((office) => office.bus.edges())
        .filter(({ subscriber, state }) => places.includes(subscriber) && state === 'running')
        .map(({ subscriber }) => subscriber)
        .sort();
    const expected = transport.differs.sharing === 'together' ? ['town', 'town', 'village', 'village'] : places;
    await until(() => owners().length >= expected.length);
    expect(owners()).toEqual(expected);

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

    /** The one that gets what is sent to this street, which is seen by who gets the first letter; and the other. */
    const sortedByOwner = async (street: string) => {
      const [one, other] = instances as [Instance, Instance];
      const standing = Promise.race(
        instances.map(async (instance) => {
          await instance.says(STAND_STILL);
          return instance;
        }),
      );
      await one.send(street, [STAND_STILL]);
      const owner = await standing;
      owner.goOn();
      return owner === one ? ([one, other] as const) : ([other, one] as const);
    };
    const numbered = (name: string) => Array.from({ length: 60 }, (_, n) => `${name} ${n}`);
    const heard = (place: 'town' | 'village', text: string) => async () => (await witness.texts(place)).includes(text);
    /** Within what a broker takes to see that a member of a group is gone, too. */
    const LONG_MS = 20_000;

    it('an owner that is stopped in the middle of a batch for longer than its lease does nothing when it wakes', async () => {
      const [owner, other] = await sortedByOwner('Oak');
      await until(heard('town', STAND_STILL));
      const stands = owner.says(STAND_STILL);
      await Promise.all([other.send('Oak', [STAND_STILL]), stands]);
      owner.pause();
      const takenOver = other.says(STAND_STILL);
      await other.send('Ash', ['meanwhile']);
      await takenOver;
      other.goOn();
      await until(async () => (await witness.texts('town', 'Oak')).length === 2);
      owner.resume();
      owner.goOn();
      await owner.send('Oak', ['after the sleep']);
      await until(heard('town', 'after the sleep'), LONG_MS);
      expect(await witness.texts('town', 'Oak')).toEqual([STAND_STILL, STAND_STILL, 'after the sleep']);
    }, 60_000);

    it('while both publish, one is stopped and the other killed: each message has its effect once, in order', async () => {
      const [owner, other] = await sortedByOwner('Yew');
      const sending = other.send('Elm', numbered('other'));
      await owner.send('Elm', numbered('owner'));
      owner.pause();
      await sending;
      await other.send('Fir', numbered('other'));
      await until(async () => (await witness.texts('village', 'Fir')).length === 60, LONG_MS);
      owner.resume();
      await Promise.all([owner.send('Elm', numbered('late')), other.send('Elm', numbered('early'))]);

      await other.kill();
      await owner.send('Fir', ['goodbye']);
      const [committed] = await witness.post.database.query<{ n: number }>('SELECT count(*) AS n FROM outbox');
      for (const place of ['village', 'town'] as const) {
        await until(async () => (await witness.deliveries(place)).length === committed?.n, LONG_MS);
      }
      await expectEverythingInOrder(witness);
    }, 90_000);
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
