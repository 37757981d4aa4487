import { randomUUID } from 'node:crypto';
import { CloudEvent, Kafka as CloudEventsOverKafka } from 'cloudevents';
import { Admin, Kafka, logLevel, Message } from 'kafkajs';
import { describeWithKafka, describeWithOwnKafka } from '../kafka/describe-with-kafka';
import { startOwnKafka } from '../kafka/own-kafka';
import { freshDatabase } from '../database/database';
import { expectEverythingInOrder, sendManyAtOnce } from './essential-checks';
import { carryParcel, openPostOffice, PostOffice } from './post-office';
import { inProcess, kafka as transport } from './transports';
import { until } from './waiting';

/** What only a broker can do to a bus, and what others see of us there. */

const brokers = () => process.env['KAFKA_BROKERS']!.split(',');
const clientOf = (addresses: string[]) => new Kafka({ brokers: addresses, logLevel: logLevel.NOTHING });
const prefixOf = ({ database }: PostOffice) => new URL(database.url).pathname.slice(1);

async function asAdmin<T>(addresses: string[], work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = clientOf(addresses).admin();
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}

/** All that a topic holds, read by a client that knows nothing of us. */
async function recordsOf(topic: string, count: number): Promise<Message[]> {
  const consumer = clientOf(brokers()).consumer({ groupId: randomUUID() });
  const records: Message[] = [];
  await consumer.connect();
  try {
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({ eachMessage: async ({ message }) => void records.push(message) });
    await until(() => records.length >= count);
    return records;
  } finally {
    await consumer.disconnect();
  }
}

async function send(topic: string, messages: Message[]): Promise<void> {
  const producer = clientOf(brokers()).producer();
  await producer.connect();
  await producer.send({ topic, messages });
  await producer.disconnect();
}

describeWithKafka('over Kafka', () => {
  let office: PostOffice;
  beforeEach(async () => {
    office = await openPostOffice({ transport });
  });
  afterEach(() => office.demolish());

  it('the official CloudEvents SDK reads what we send as CloudEvents', async () => {
    await office.send({ street: 'Elm', text: 'hello' });
    const [record] = await recordsOf(`${prefixOf(office)}.post.events`, 1);
    const headers = Object.fromEntries(Object.entries(record!.headers!).map(([name, value]) => [name, String(value)]));
    const message = { ...record!, headers, key: String(record!.key), value: String(record!.value), body: '' };
    expect(CloudEventsOverKafka.isEvent(message as never)).toBe(true);
    const event = CloudEventsOverKafka.toEvent(message as never) as CloudEvent<unknown>;
    const [row] = await office.post.database.query<{ id: string; time: Date }>('SELECT id, time FROM outbox');
    expect(event.validate()).toBe(true);
    expect(event).toMatchObject({
      specversion: '1.0',
      id: row?.id,
      source: '/banyan/post',
      type: 'post.letter-sent.v1',
      subject: 'Elm',
      time: row?.time.toISOString(),
      datacontenttype: 'application/json',
      partitionkey: 'Elm',
      sequence: '1',
      data: { street: 'Elm', text: 'hello' },
    });
    expect(message.key).toBe('Elm');
  });

  it('topics have the partitions that are configured, and another number is refused', async () => {
    const topic = `${prefixOf(office)}.post.events`;
    const { topics } = await asAdmin(brokers(), (admin) => admin.fetchTopicMetadata({ topics: [topic] }));
    expect(topics[0]?.partitions).toHaveLength(4);
    const other = { transport, database: office.database, environment: { KAFKA_PARTITIONS: '6' } };
    await expect(openPostOffice(other)).rejects.toMatchObject({ code: 'topic-mismatch' });
  });

  it('a stream lives in one partition, and the group is that of the module', async () => {
    await sendManyAtOnce(office, 4, 10);
    await office.caughtUp();
    await expectEverythingInOrder(office);
    const groups = await asAdmin(brokers(), (admin) => admin.listGroups());
    const ours = groups.groups.map(({ groupId }) => groupId).filter((name) => name.startsWith(prefixOf(office)));
    expect(ours.sort()).toEqual([`${prefixOf(office)}.town`, `${prefixOf(office)}.village`]);
  });

  it('the first commands of a source are all handled, though they come from all partitions at once', async () => {
    await office.publish(carryParcel({ street: 'Elm', weight: 3 }));
    await office.caughtUp();
    const topic = `${prefixOf(office)}.town.commands`;
    const [good] = await recordsOf(topic, 1);
    const records = Array.from({ length: 40 }, (_, n) => ({
      key: `Street ${n}`,
      value: good!.value,
      headers: { ...good!.headers!, ce_id: randomUUID(), ce_source: '/banyan/elsewhere' },
    }));
    await send(topic, records);
    await until(async () => (await office.texts('town')).length === 1 + records.length);
  });

  it('records that make no sense are parked, each at once, and the rest goes on', async () => {
    await office.send({ street: 'Elm', text: 'one' });
    await office.caughtUp();
    const [good] = await recordsOf(`${prefixOf(office)}.post.events`, 1);
    const headers = good!.headers!;
    const { ce_id: _id, ...withoutId } = headers;
    const { ce_source: _source, ...withoutSource } = headers;
    const later = { ...headers, ce_id: randomUUID(), ce_sequence: '2' };
    await send(`${prefixOf(office)}.post.events`, [
      { key: 'Elm', value: 'no headers at all' },
      { key: null, value: null, headers: { ...headers, ce_id: randomUUID() } },
      { key: 'Oak', value: good!.value, headers: { ...withoutId, ce_sequence: '1' } },
      { key: 'Fir', value: good!.value, headers: { ...withoutSource, ce_id: randomUUID() } },
      { key: 'Yew', value: good!.value, headers: { ...headers, ce_id: 'x', ce_sequence: '-1' } },
      { key: 'Elm', value: Buffer.from([0xff, 0xfe]), headers: later },
    ]);
    await until(async () => (await office.held('town')).length === 6);
    const held = await office.held('town');
    expect(held.every(({ state, code }) => state === 'parked' && code === 'malformed-message')).toBe(true);
    // Those with a stream of their own hold it; those without hold nobody.
    expect(held.filter(({ street }) => ['Elm', 'Oak'].includes(street))).toMatchObject([
      { street: 'Elm', sequence: 2 },
      { street: 'Oak', sequence: 1 },
    ]);
    await office.send({ street: 'Ash', text: 'goes on' });
    await office.caughtUp();
    expect(await office.texts('town', 'Ash')).toEqual(['goes on']);
  });

  it('a record of a stream that has a hole is parked once it has been read again', async () => {
    await office.send({ street: 'Elm', text: 'one' });
    await office.caughtUp();
    const [good] = await recordsOf(`${prefixOf(office)}.post.events`, 1);
    const third = { ...good!.headers!, ce_id: randomUUID(), ce_sequence: '3' };
    await send(`${prefixOf(office)}.post.events`, [{ key: 'Elm', value: good!.value, headers: third }]);
    await until(async () => (await office.held('town')).length === 1);
    expect(await office.held('town')).toMatchObject([{ sequence: 3, state: 'parked', code: 'sequence-broken' }]);
  });

  it('offsets that Kafka has lost, or has too high, count for nothing', async () => {
    for (let n = 0; n < 5; n += 1) await office.send({ street: 'Elm', text: String(n) });
    await office.caughtUp();
    await office.close();
    const topic = `${prefixOf(office)}.post.events`;
    const closed = await openPostOffice({ transport, database: office.database, connected: false });
    for (let n = 5; n < 10; n += 1) await closed.send({ street: 'Elm', text: String(n) });
    await closed.close();
    await asAdmin(brokers(), async (admin) => {
      await admin.setOffsets({
        groupId: `${prefixOf(office)}.town`,
        topic,
        partitions: [0, 1, 2, 3].map((partition) => ({ partition, offset: '1000' })),
      });
      await admin.deleteGroups([`${prefixOf(office)}.village`]);
    });
    office = await openPostOffice({ transport, database: office.database });
    await office.caughtUp();
    const expected = Array.from({ length: 10 }, (_, n) => String(n));
    expect(await office.texts('town')).toEqual(expected);
    expect(await office.texts('village')).toEqual(expected);
  });

  it('topics that were deleted are made and filled again, and nothing is handled twice', async () => {
    for (let n = 0; n < 5; n += 1)
      await office.send({ street: 'Elm', text: String(n) }, { street: `S${n}`, text: 'x' });
    await office.caughtUp();
    await office.close();
    const topics = ['post.events', 'town.commands'].map((topic) => `${prefixOf(office)}.${topic}`);
    await asAdmin(brokers(), (admin) => admin.deleteTopics({ topics }));
    office = await openPostOffice({ transport, database: office.database });
    for (let n = 5; n < 10; n += 1) await office.send({ street: 'Elm', text: String(n) });
    await until(async () => (await office.texts('town', 'Elm')).length === 10);
    await office.caughtUp();
    for (const place of ['town', 'village'] as const) {
      expect(await office.texts(place, 'Elm')).toEqual(Array.from({ length: 10 }, (_, n) => String(n)));
      expect(await office.deliveries(place)).toHaveLength(15);
      expect(await office.held(place)).toEqual([]);
    }
    const records = await recordsOf(topics[0]!, 15);
    expect(records).toHaveLength(15);
  });
});

describeWithKafka('from one transport to the other', () => {
  it('and back, with an instance of each at once: nothing is lost, done twice or out of order', async () => {
    const database = await freshDatabase();
    let texts = 0;
    const sendSome = async (office: PostOffice) => {
      for (let n = 0; n < 20; n += 1) {
        await office.send({ street: 'Elm', text: String((texts += 1)) }, { street: `Street ${texts % 7}`, text: 'x' });
        await office.publish(carryParcel({ street: 'Elm', weight: texts }));
      }
    };
    let current = await openPostOffice({ transport: inProcess, database });
    for (const next of [transport, inProcess, transport]) {
      await sendSome(current);
      const other = await openPostOffice({ transport: next, database });
      await Promise.all([sendSome(current), sendSome(other)]);
      await current.close();
      await sendSome(other);
      current = other;
    }
    await until(async () => (await current.texts('town', 'Elm')).length === 2 * texts, 30_000);
    await current.caughtUp();
    const letters = (await current.deliveries('village')).filter(({ street }) => street === 'Elm');
    expect(letters.map(({ sequence }) => sequence)).toEqual(Array.from({ length: texts }, (_, n) => n + 1));
    const inTown = await current.deliveries('town');
    for (const type of ['post.letter-sent.v1', 'town.carry-parcel.v1']) {
      const ofStream = inTown.filter((delivery) => delivery.type === type && delivery.street === 'Elm');
      expect(ofStream.map(({ sequence }) => sequence)).toEqual(Array.from({ length: texts }, (_, n) => n + 1));
    }
    for (const place of ['town', 'village'] as const) {
      expect(await current.held(place)).toEqual([]);
      expect(await current.deliveries(place)).toHaveLength((place === 'town' ? 3 : 2) * texts);
    }
    await current.demolish();
  }, 120_000);
});

describeWithOwnKafka('a broker that goes and comes', () => {
  it('is waited for: who publishes goes on, and everything arrives in order afterwards', async () => {
    const own = await startOwnKafka();
    const environment = { KAFKA_BROKERS: own.brokers.join(',') };
    const office = await openPostOffice({ transport, environment });
    try {
      await office.send({ street: 'Elm', text: '0' });
      await office.caughtUp();
      await own.nodes[0]!.kill();
      for (let n = 1; n <= 50; n += 1) await office.send({ street: 'Elm', text: String(n) });
      // Who has nothing to send does not know.
      const concerned = () => office.bus.edges().filter(({ subscriber }) => !subscriber.endsWith('.commands'));
      await until(() => concerned().every(({ state }) => state === 'away'), 30_000);
      // With no broker in sight an app starts all the same.
      const late = await openPostOffice({ transport, environment, database: office.database });
      await late.send({ street: 'Elm', text: '51' });
      await own.nodes[0]!.start();
      await until(async () => (await office.texts('town')).length === 52, 60_000);
      await until(async () => (await office.texts('village')).length === 52, 60_000);
      expect(await office.texts('town')).toEqual(Array.from({ length: 52 }, (_, n) => String(n)));
      await until(() => office.bus.edges().some(({ state }) => state === 'running'));
      await late.close();
    } finally {
      await office.demolish();
      await own.stop();
    }
  }, 240_000);

  it('may be one of three: the others go on with what was acknowledged', async () => {
    const own = await startOwnKafka({ brokers: 3 });
    const environment = { KAFKA_BROKERS: own.brokers.join(','), KAFKA_REPLICATION: '3' };
    const office = await openPostOffice({ transport, environment });
    try {
      await sendManyAtOnce(office, 4, 5);
      await office.caughtUp();
      await own.nodes[1]!.kill();
      await sendManyAtOnce(office, 4, 5);
      const committed = async () =>
        (await office.post.database.query<{ n: number }>('SELECT count(*) AS n FROM outbox'))[0]?.n;
      await until(async () => (await office.deliveries('town')).length === (await committed()), 60_000);
      await until(async () => (await office.deliveries('village')).length === (await committed()), 60_000);
      await own.nodes[1]!.start();
      await sendManyAtOnce(office, 4, 5);
      await until(async () => (await office.deliveries('village')).length === (await committed()), 60_000);
      await until(async () => (await office.deliveries('town')).length === (await committed()), 60_000);
      await expectEverythingInOrder(office);
    } finally {
      await office.demolish();
      await own.stop();
    }
  }, 240_000);
});
