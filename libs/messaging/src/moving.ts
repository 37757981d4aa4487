import { Database, statement } from '@banyan/persistence';
import { NeverSubscribed, SubscriberIsHere } from './errors';

/**
 * What a subscriber knows of one source, to be carried to another database: plain JSON. It holds personal data where
 * held messages do.
 */
export interface ExportedSubscriber {
  source: string;
  subscription: object;
  /** A row for each stream ever heard, all in memory: about 200 bytes each. */
  streams: object[];
  held: object[];
  /** Where it reads on in Kafka. */
  places: object[];
  acts: object[];
  replays: object[];
}

// Locked by every batch before anything else: so none is under way, and whoever consumed here finds a later epoch.
const leaving = statement<{ row: object }>(
  'moving.leave',
  `UPDATE subscription s SET epoch = epoch + 1, moved_at = coalesce(moved_at, now()) WHERE source = $1 RETURNING to_jsonb(s) AS row`,
);

// Waits for the one that is being tried; afterwards nobody here tries any of them.
const locking = statement<never>(
  'moving.lock-held',
  'SELECT FROM held_message WHERE source = $1 ORDER BY topic, key, sequence FOR UPDATE',
);

const setAside = statement<never>(
  'moving.set-aside',
  `UPDATE held_message SET state = 'moved', moved_state = state WHERE source = $1 AND state <> 'moved'`,
);

const TABLES = {
  streams: 'stream_memory',
  held: 'held_message',
  places: 'kafka_position',
  acts: 'held_message_act',
  replays: 'replay',
} as const;
type Carried = keyof typeof TABLES;
const carried = Object.keys(TABLES) as Carried[];

const AS_IT_WAS = `|| jsonb_build_object('state', coalesce(moved_state, state), 'moved_state', NULL)`;

const packing = (table: string) =>
  statement<{ row: object }>(
    `moving.pack-${table}`,
    `SELECT to_jsonb(r) ${table === TABLES.held ? AS_IT_WAS : ''} AS row FROM "${table}" r WHERE source = $1`,
  );

const clearing = (table: string) =>
  statement<never>(`moving.clear-${table}`, `DELETE FROM "${table}" WHERE source = $1`);

const unpacking = (table: string) =>
  statement<never>(
    `moving.unpack-${table}`,
    `INSERT INTO "${table}" SELECT * FROM jsonb_populate_recordset(NULL::"${table}", $1::jsonb)`,
  );

// Nobody's, so that whoever starts first takes it; the epoch goes on rising, wherever the subscriber goes.
const arriving = statement<{ source: string }>(
  'moving.arrive',
  `INSERT INTO subscription AS here
   SELECT * FROM jsonb_populate_record(NULL::subscription, $1::jsonb || jsonb_build_object(
     'moved_at', NULL, 'owner', '00000000-0000-0000-0000-000000000000', 'lease_until', '-infinity'))
   ON CONFLICT (source) DO UPDATE
     SET topics = excluded.topics, position = excluded.position, complete = excluded.complete, moved_at = NULL,
         epoch = greatest(here.epoch, excluded.epoch) + 1, owner = excluded.owner, lease_until = excluded.lease_until, transport = excluded.transport
     WHERE here.moved_at IS NOT NULL
   RETURNING source`,
);

/**
 * Takes a subscriber away from this database, for one source: its position, its memory of each stream, what it holds and
 * the record of what operators did. From then on nobody consumes that source here, in any instance; importing it, here or
 * elsewhere, lets it go on where it was. Its module's own tables are not part of it. Done again, in case
 * the answer was lost, it answers the same. Throws NeverSubscribed.
 */
export async function exportSubscriber(
  database: Database,
  { subscriber, source }: { subscriber: string; source: string },
): Promise<ExportedSubscriber> {
  return database.transaction(async (tx) => {
    const [left] = await tx.query(leaving, [source]);
    if (!left) throw new NeverSubscribed(subscriber, source);
    await tx.query(locking, [source]);
    const rows: Record<Carried, object[]> = { streams: [], held: [], places: [], acts: [], replays: [] };
    for (const part of carried) {
      rows[part] = (await tx.query(packing(TABLES[part]), [source])).map(({ row }) => row);
    }
    await tx.query(setAside, [source]);
    return { source, subscription: left.row, ...rows };
  });
}

/**
 * Lets a subscriber go on in this database from where it was exported, all or nothing. Throws SubscriberIsHere where
 * somebody has consumed the source here already and was not exported: two memories cannot be made one.
 */
export async function importSubscriber(database: Database, exported: ExportedSubscriber): Promise<void> {
  const { source, subscription } = exported;
  await database.transaction(async (tx) => {
    const [arrived] = await tx.query(arriving, [JSON.stringify(subscription)]);
    if (!arrived) throw new SubscriberIsHere(database.module, source);
    for (const part of carried) {
      await tx.query(clearing(TABLES[part]), [source]);
      await tx.query(unpacking(TABLES[part]), [JSON.stringify(exported[part])]);
    }
  });
}
