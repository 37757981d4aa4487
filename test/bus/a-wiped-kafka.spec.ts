import { Admin, Kafka, logLevel } from 'kafkajs';
import { describeWithKafka } from '../kafka/describe-with-kafka';
import { openPostOffice, type PostOffice } from './post-office';
import { kafka } from './transports';
import { until } from './waiting';

// As docs/runbooks/a-wiped-kafka.md has it.
describeWithKafka('topics that were deleted', () => {
  let admin: Admin;

  beforeAll(async () => {
    const brokers = process.env['KAFKA_BROKERS']!.split(',');
    admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
  });
  afterAll(() => admin.disconnect());

  const wipe = async ({ database }: PostOffice) => {
    const prefix = new URL(database.url).pathname.slice(1);
    const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(`${prefix}.`));
    expect(topics).toContain(`${prefix}.post.events`);
    await admin.deleteTopics({ topics });
  };

  const everybodyHas = async (office: PostOffice, texts: string[]) => {
    for (const place of ['town', 'village'] as const) {
      await until(async () => (await office.texts(place)).length >= texts.length, 60_000);
      expect(await office.texts(place, 'Elm')).toEqual(texts);
      expect(await office.held(place)).toEqual([]);
    }
  };

  it('are filled again from the logs: nobody hears anything twice, and who was behind gets the rest', async () => {
    const both = await openPostOffice({ transport: kafka });
    const { database } = both;
    await both.send({ street: 'Elm', text: 'one' });
    await both.caughtUp();
    await both.close();
    const townOnly = await openPostOffice({ transport: kafka, database, places: ['town'] });
    await townOnly.send({ street: 'Elm', text: 'two' });
    await townOnly.caughtUp();
    await townOnly.close();
    await wipe(townOnly);

    const after = await openPostOffice({ transport: kafka, database });
    await after.send({ street: 'Elm', text: 'three' });
    await everybodyHas(after, ['one', 'two', 'three']);
    await after.demolish();
  }, 90_000);

  it('are made again and filled under a running shop, also from logs whose beginning is gone', async () => {
    const office = await openPostOffice({ transport: kafka });
    await office.send({ street: 'Elm', text: 'one' }, { street: 'Elm', text: 'two' });
    await office.caughtUp();
    await office.post.database.query('DELETE FROM outbox');
    await wipe(office);
    // Comes to lie before the places of everybody.
    await office.send({ street: 'Elm', text: 'three' });
    await everybodyHas(office, ['one', 'two', 'three']);
    await office.demolish();
  }, 90_000);
});
