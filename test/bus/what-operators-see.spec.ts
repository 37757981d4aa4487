import { loadSettings } from '@banyan/config';
import { busStatus } from '../../tools/bus/status';
import { topicsOf } from '../../tools/bus/topics';
import { trace } from '../../tools/bus/trace';
import { describeOnEach } from './describe-on-each';
import { partiesOf } from './parties-of';
import { openPostOffice, type PostOffice } from './post-office';
import { gate, until } from './waiting';

describeOnEach('what operators see', (transport) => {
  let office: PostOffice;
  let village: ReturnType<typeof gate>;

  beforeEach(async () => {
    village = gate();
    office = await openPostOffice({ transport, behave: (place) => (place === 'village' ? village.opened : undefined) });
  });
  afterEach(async () => {
    village.open();
    await office.demolish();
  });

  const statusNow = () => {
    const { url } = office.database;
    const prefix = new URL(url).pathname.slice(1);
    const settings = loadSettings({ DATABASE_URL: url, KAFKA_PREFIX: prefix, ...transport.environment });
    return busStatus(partiesOf(office), topicsOf(settings));
  };
  const edgeTo = async (place: string) => (await statusNow()).edges.find(({ subscriber }) => subscriber === place)!;

  it('who is behind, and what carries the messages', async () => {
    await office.send({ street: 'Elm', text: 'one' }, { street: 'Oak', text: 'uno' });
    await office.bus.caughtUp('town');
    // How far a topic is, is kept every now and then.
    await until(async () => (await edgeTo('village')).behind === 2);
    const { edges, kafkaAway } = await statusNow();
    expect(kafkaAway).toBeNull();
    expect(edges).toMatchObject([
      { subscriber: 'town', transport: transport.name, behind: 0, oldest: null, attended: true, instances: 1 },
      { subscriber: 'village', transport: transport.name, behind: 2, oldest: expect.any(Date), attended: true },
    ]);
    village.open();
    await office.caughtUp();
    await until(async () => (await edgeTo('village')).behind === 0);
  });

  it('who sends to topics', async () => {
    await office.send({ street: 'Elm', text: 'one' });
    await until(async () => (await statusNow()).relays.every(({ behind }) => behind === 0));
    const attended = { source: 'post', behind: 0, oldest: null, attended: true };
    const topics = transport.name === 'kafka' ? ['post.events', 'town.commands'] : [];
    expect((await statusNow()).relays).toMatchObject(topics.map((topic) => ({ ...attended, topic })));
  });

  it('the story of a message, and where it has not been handled yet', async () => {
    await office.send({ street: 'Elm', text: 'one' });
    await office.bus.caughtUp('town');
    const states = async () => (await trace(partiesOf(office), 'Elm'))[0]!.reactions.map(({ state }) => state);
    expect(await states()).toEqual(['handled', 'not yet']);
    village.open();
    await office.caughtUp();
    expect(await states()).toEqual(['handled', 'handled']);
  });
});
