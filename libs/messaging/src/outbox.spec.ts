import { inJourney } from '@banyan/telemetry';
import { Database, openDatabase } from '@banyan/persistence';
import { z } from 'zod';
import { freshDatabase, FreshDatabase } from '../../../test/database/database';
import { command, event } from './definitions';
import type { LoggedMessage } from './envelope';
import { readingLog } from './log-cursor';
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

  it.each([
    ['at the end of a long log', [[], [], '-infinity', 20_000, '-infinity', 500], 0],
    ['with gaps', [[7_000, 9_000], [7_003, 9_000], '-infinity', 20_000, '-infinity', 500], 5],
    ['in the middle of it', [[], [], '-infinity', 10_000, '-infinity', 500], 500],
    ['in a gap that is half the log', [[1], [10_000], '-infinity', 20_000, '-infinity', 500], 500],
  ])('is read %s without touching more than that', async (_, values, found) => {
    await database.query(
      `INSERT INTO outbox (position, day, topic, key, sequence, id, type, subject, time, correlation_id, data)
       SELECT n, (now() AT TIME ZONE 'UTC')::date - n % 2, 'post.events', n::text, 1, gen_random_uuid(), 't', 's', now(), 'c', '{}'
       FROM generate_series(1, 20000) AS n`,
    );
    await database.transaction(async (tx) => {
      // As it is planned once it has been prepared, for whatever values.
      await tx.query('SET LOCAL plan_cache_mode = force_generic_plan');
      await tx.query(`PREPARE reading (bigint[], bigint[], text, bigint, text, int) AS ${readingLog.text}`);
      const parameters = values.map((value) => (Array.isArray(value) ? `'{${value.join()}}'` : `'${value}'`));
      const [row] = await tx.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
        `EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE reading (${parameters.join()})`,
      );
      const plan = row?.['QUERY PLAN'][0].Plan as PlanNode;
      expect(plan['Actual Rows']).toBe(found);
      expect(mostRows(plan)).toBeLessThanOrEqual(found + 1);
      await tx.query('DEALLOCATE reading');
    });
  });
});

interface PlanNode {
  'Actual Rows': number;
  'Actual Loops': number;
  Plans?: PlanNode[];
}

/** The most rows that any step of a plan came by. */
function mostRows(node: PlanNode): number {
  return Math.max(node['Actual Rows'] * node['Actual Loops'], ...(node.Plans ?? []).map(mostRows));
}
