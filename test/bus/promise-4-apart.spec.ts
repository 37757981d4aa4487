import { aSlowSubscriberDelaysNoOther } from './essential-checks';
import { Behaviour, openPostOffice, PostOffice } from './post-office';
import { describeOnEach } from './describe-on-each';
import { until } from './waiting';

describeOnEach('promise 4: apart', (transport) => {
  const seenByTown: string[] = [];
  let inVillage: Behaviour = () => undefined;
  let office: PostOffice;

  beforeAll(async () => {
    office = await openPostOffice({
      transport,
      environment: { BUS_RETRY_ATTEMPTS: '2', BUS_RETRY_FIRST_DELAY_MS: '10' },
      behave: async (place, messages, handling) => {
        if (place === 'town') seenByTown.push(...messages.map(({ data }) => (data as { text: string }).text));
        else await inVillage(place, messages, handling);
      },
    });
  });
  afterAll(() => office.demolish());

  it('a handler that fails in one module does not repeat what another has done', async () => {
    inVillage = () => {
      throw new Error('the village is closed');
    };
    await office.send({ street: 'Elm', text: 'one' });
    await office.send({ street: 'Elm', text: 'two' });
    await until(async () => (await office.held('village')).some(({ state }) => state === 'parked'));
    await office.caughtUp();
    expect(await office.texts('town')).toEqual(['one', 'two']);
    expect(seenByTown).toEqual(['one', 'two']);
    expect(await office.texts('village')).toEqual([]);
    expect(await office.held('town')).toEqual([]);
  });

  it('a handler that is slow in one module does not delay another', () => aSlowSubscriberDelaysNoOther(transport));

  it('each remembers, and has its position, in its own schema', async () => {
    for (const place of ['town', 'village'] as const) {
      const rows = await office.databaseOf(place).query(`SELECT current_schema() AS schema, source FROM subscription`);
      expect(rows).toEqual([{ schema: place, source: 'post' }]);
    }
  });
});
