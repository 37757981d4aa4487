import { inJourney } from '@banyan/telemetry';
import { Database, openDatabase } from '@banyan/persistence';
import { z } from 'zod';
import { freshDatabase, FreshDatabase } from '../../../test/database/database';
import { command, event } from './definitions';
import type { LoggedMessage } from './envelope';
import { messagingMigrations } from './migrations';
import { handling, LogPlace, Outbox, outboxInsert, outboxParameters } from './outbox';
import { OutboxPartitions } from './outbox-partitions';

const letterSent = event({
  type: 'post.letter-sent.v1',
  key: ({ street }) => street,
  schema: z.object({ street: z.string(), text: z.string() }),
  example: { street: 'Elm', text: 'hello' },
});
const carryParcel = command({
  type: 'town.carry-parcel.v1',
  key: ({ street }) => street,
  schema: z.object({ street: z.string() }),
  example: { street: 'Elm' },
});
const letter = (street: string, text = 'hello') => letterSent({ street, text });

describe('the outbox', () => {
  let fresh: FreshDatabase;
  let database: Database;
  let outbox: Outbox;
  const handedOver: LoggedMessage[] = [];

  beforeAll(async () => {
    fresh = await freshDatabase();
    database = await openDatabase({
      module: 'post',
      url: fresh.url,
      poolSize: 4,
      transactionTimeoutMs: 5_000,
      entities: [],
      migrations: messagingMigrations,
      migrate: true,
    });
    await new OutboxPartitions(database).makeAhead(new Date());
    outbox = new Outbox('post', (messages) => handedOver.push(...messages));
  });
  beforeEach(async () => {
    handedOver.length = 0;
    await database.query('TRUNCATE outbox, stream RESTART IDENTITY');
  });
  afterAll(async () => {
    await database.close();
    await fresh.drop();
  });

  const publish = (...messages: Parameters<Outbox['publish']>[1]) =>
    database.transaction((tx) => outbox.publish(tx, messages));
  const logged = () =>
    database.query<{ topic: string; key: string; sequence: number; data: string; causation_id: string | null }>(
      'SELECT * FROM outbox ORDER BY position',
    );

  it('keeps the order of a publish, and counts each stream from 1', async () => {
    await publish(letter('Elm', 'a'), letter('Oak', 'b'), letter('Elm', 'c'), carryParcel({ street: 'Elm' }));
    await publish(letter('Elm', 'd'));
    expect(
      (await logged()).map(({ topic, key, sequence, data }) => [topic, key, sequence, JSON.parse(data).text]),
    ).toEqual([
      ['post.events', 'Elm', 1, 'a'],
      ['post.events', 'Oak', 1, 'b'],
      ['post.events', 'Elm', 2, 'c'],
      ['town.commands', 'Elm', 1, undefined],
      ['post.events', 'Elm', 3, 'd'],
    ]);
  });

  it('hands over after the commit what the log has, place and bytes', async () => {
    await database.transaction(async (tx) => {
      await outbox.publish(tx, [letter('Elm'), letter('Elm')]);
      expect(handedOver).toEqual([]);
    });
    const rows = await logged();
    expect(handedOver.map(({ key, sequence, data }) => ({ key, sequence, data }))).toEqual(
      rows.map(({ key, sequence, data }) => ({ key, sequence, data })),
    );
  });

  it('publishes with a message what caused it', async () => {
    await inJourney({ correlationId: 'a-request', causationId: 'a-command' }, () => publish(letter('Elm')));
    await publish(letterSent({ street: 'Elm', text: 'answer' }, { id: 'm1', correlationId: 'a-story' }));
    expect(await logged()).toMatchObject([
      { correlation_id: 'a-request', causation_id: 'a-command' },
      { correlation_id: 'a-story', causation_id: 'm1' },
    ]);
  });

  it('refuses in a handler what does not say which message it answers', async () => {
    const inHandler = handling.run(true, () => publish(letter('Elm')));
    await expect(inHandler).rejects.toMatchObject({ code: 'cause-missing' });
    await handling.run(true, () => publish(letterSent({ street: 'Elm', text: 'x' }, { correlationId: 'a-story' })));
    expect(await logged()).toHaveLength(1);
  });

  it('a statement of the module’s own may publish only what its other parts accepted', async () => {
    const prepared = outbox.prepare([letter('Elm'), letter('Oak'), letter('Elm')]);
    const places = await database.query<LogPlace>(
      `WITH ${outboxInsert(2, 'm.key = $1')} SELECT id, position, sequence FROM logged`,
      ['Elm', ...outboxParameters(prepared)],
    );
    outbox.handOver(prepared, places);
    expect((await logged()).map(({ key, sequence }) => `${key} ${sequence}`)).toEqual(['Elm 1', 'Elm 2']);
    expect(handedOver.map(({ key, sequence }) => `${key} ${sequence}`)).toEqual(['Elm 1', 'Elm 2']);
  });

  it('scrubs one field of one type of some streams, and leaves the rest as it was', async () => {
    await publish(letter('Elm', 'about Ann'), letter('Oak', 'about Bob'), carryParcel({ street: 'Elm' }));
    await database.transaction((tx) => outbox.scrub(tx, letterSent, ['Elm'], ['text'], 'erased', new Date()));
    expect((await logged()).map(({ data }) => JSON.parse(data) as unknown)).toEqual([
      { street: 'Elm', text: 'erased' },
      { street: 'Oak', text: 'about Bob' },
      { street: 'Elm' },
    ]);
  });

  it('uses its indexes for every hot statement, whatever the plan was made for', async () => {
    const plan = async (sql: string) => JSON.stringify(await database.query(`EXPLAIN (FORMAT JSON) ${sql}`));
    expect(await plan('SELECT * FROM outbox WHERE position > 5 ORDER BY position LIMIT 500')).not.toContain('Seq Scan');
    expect(await plan(`SELECT * FROM outbox WHERE key = 'Elm'`)).not.toContain('Seq Scan');
    expect(await plan('SELECT max(position) FROM outbox')).not.toContain('Seq Scan');
  });
});
