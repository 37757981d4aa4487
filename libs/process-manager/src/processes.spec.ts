import { messagingMigrations, Outbox } from '@banyan/messaging';
import { openDatabase, type Database } from '@banyan/persistence';
import { freshDatabase, type FreshDatabase } from '../../../test/database/database';
import { processManagerMigrations } from './migrations';
import type { ProcessDefinition } from './process-definition';
import { Processes, processInsert, type Change, type Input } from './processes';

type Bell = 'rung';

/** Counts how often the bell was rung. */
const counting: ProcessDefinition<{ rings: number }, Bell> = {
  name: 'counting',
  version: 1,
  step: ({ rings }) => ({ state: { rings: rings + 1 } }),
  deadlinePassed: 'rung',
};

describe('a process', () => {
  let fresh: FreshDatabase;
  let database: Database;
  let processes: Processes<{ rings: number }, Bell>;

  beforeAll(async () => {
    fresh = await freshDatabase();
    database = await openDatabase({
      module: 'belfry',
      url: fresh.url,
      poolSize: 2,
      transactionTimeoutMs: 30_000,
      entities: [],
      migrations: [...messagingMigrations, ...processManagerMigrations],
      migrate: true,
    });
    processes = new Processes(counting, database, new Outbox('belfry', () => undefined));
  });

  afterAll(async () => {
    await database.close();
    await fresh.drop();
  });

  const begin = (key: string) =>
    database.query(
      `WITH begun AS (
         SELECT $1::text AS key, '{"rings": 0}'::jsonb AS state, '[]'::jsonb AS record, 'story' AS correlation_id,
                NULL::timestamptz AS deadline_at, now() AS started_at
       ), ${processInsert(counting, 'begun')} SELECT`,
      [key],
    );
  const ring = (key: string, id?: string): Input<Bell> => ({
    ...{ key, heard: 'rung', name: 'bell.rung.v1', at: new Date() },
    ...(id === undefined ? {} : { because: { id, correlationId: 'story' } }),
  });
  const hear = async (...inputs: Input<Bell>[]) => {
    let written: Change<{ rings: number }>[] = [];
    await database.transaction((tx) =>
      processes.hear(tx, inputs, async (changes) => {
        written = changes;
      }),
    );
    return written.map(({ key, after }) => [key, after.rings]);
  };
  const recordOf = async (key: string) => {
    const [row] = await database.query<{ record: unknown[] }>('SELECT record FROM process WHERE key = $1', [key]);
    return row?.record;
  };

  it('passes over a message that it has heard before, as a replay brings it', async () => {
    await begin('north');
    await begin('south');
    expect(await hear(ring('north', 'one'), ring('north', 'two'))).toEqual([['north', 2]]);
    expect(await hear(ring('north', 'one'), ring('south', 'three'))).toEqual([['south', 1]]);
    expect(await hear(ring('north', 'two'))).toEqual([]);
    expect(await recordOf('north')).toMatchObject([{ id: 'one' }, { id: 'two' }]);
    expect(await hear(ring('north', 'four'))).toEqual([['north', 3]]);
  });

  it('hears what was no message as often as it comes', async () => {
    await begin('east');
    expect(await hear(ring('east'), ring('east'))).toEqual([['east', 2]]);
    expect(await recordOf('east')).toHaveLength(2);
  });
});
