import { parseArgs } from 'node:util';
import type { ModuleView } from '../audit/module-view';
import type { Party } from './parties';
import { age, print, printJson, tableOf } from './printed';
import { withViews } from './views';

export const HELP = `How far every subscriber is, and what every module holds.

  npm run bus -- status [--check] [--json]

  --check   exits 1 if anything is parked
  --json    one JSON object instead: edges and modules

Behind: messages in the log of the first module that the second has not taken over yet, and the age of the oldest.
Consumer: which instance consumes, and for how long its lease still holds; "gone" where none does.
`;

/** How far a subscriber is with a source. */
export interface EdgeStatus {
  source: string;
  subscriber: string;
  topics: string[];
  position: number;
  /** Messages that it has not taken over. */
  behind: number;
  /** When the oldest of them was sent. */
  oldest: Date | null;
  /** The instance that consumes; null where none ever did. */
  owner: string | null;
  leaseUntil: Date | null;
  /** The owner is there: its session holds its lock, or its lease holds. */
  attended: boolean;
}

/** What a module holds. */
export interface HeldStatus {
  module: string;
  parked: number;
  retrying: number;
  waiting: number;
  oldestParked: Date | null;
}

export interface BusStatus {
  edges: EdgeStatus[];
  modules: HeldStatus[];
}

const NOTHING_PARKED = 0;
const SOMETHING_PARKED = 1;

export async function run(args: string[], parties: readonly Party[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: { check: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
  });
  const status = await busStatus(parties);
  if (values.json) printJson(status);
  else show(status);
  const parked = status.modules.some((module) => module.parked > 0);
  return values.check && parked ? SOMETHING_PARKED : NOTHING_PARKED;
}

export async function busStatus(parties: readonly Party[]): Promise<BusStatus> {
  return withViews(parties, async (views) => {
    const edges: EdgeStatus[] = [];
    for (const subscriber of parties) {
      for (const source of parties) {
        const heard = new Set(subscriber.hears.map(({ topic }) => topic));
        const topics = [
          ...new Set(source.publishes.map(({ topic }) => topic).filter((topic) => heard.has(topic))),
        ].sort();
        if (topics.length > 0)
          edges.push(await edgeStatus(views.get(source.module)!, views.get(subscriber.module)!, topics));
      }
    }
    const modules = await Promise.all([...views.values()].map(heldStatus));
    return { edges, modules };
  });
}

interface SubscriptionRow {
  position: number;
  owner: string;
  leaseUntil: Date;
  attended: boolean;
}

// The lock is held by a session of the owner's, and goes with it.
const SUBSCRIPTION = `
  SELECT position, owner, lease_until AS "leaseUntil",
         lease_until > now() AND EXISTS (
           SELECT FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND granted
             AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
             AND classid::bigint = presence >> 32 AND objid::bigint = presence & 4294967295) AS attended
  FROM subscription WHERE source = $1`;

const SENT_SINCE = 'SELECT topic, key, sequence, time FROM outbox WHERE position > $1 AND topic = ANY($2::text[])';

const REMEMBERED = `
  SELECT topic, key, last_sequence FROM stream_memory
  WHERE source = $1 AND (topic, key) IN (SELECT * FROM unnest($2::text[], $3::text[]))`;

interface Sent {
  topic: string;
  key: string;
  sequence: number;
  time: Date;
}

async function edgeStatus(source: ModuleView, subscriber: ModuleView, topics: string[]): Promise<EdgeStatus> {
  const [subscription] = await subscriber.rows<SubscriptionRow>(SUBSCRIPTION, [source.module]);
  const { position = 0, owner = null, leaseUntil = null, attended = false } = subscription ?? {};
  let behind = 0;
  let oldest: Date | null = null;
  // The position is where nothing below is missing; of what lies above, much may have been taken over.
  for await (const sent of source.stream<Sent>(SENT_SINCE, [position, topics])) {
    const remembered = await memoryOf(subscriber, source.module, sent);
    for (const { topic, key, sequence, time } of sent) {
      if (sequence <= (remembered.get(`${topic}/${key}`) ?? 0)) continue;
      behind += 1;
      if (oldest === null || time < oldest) oldest = time;
    }
  }
  const { module } = subscriber;
  return { source: source.module, subscriber: module, topics, position, behind, oldest, owner, leaseUntil, attended };
}

async function memoryOf(subscriber: ModuleView, source: string, sent: readonly Sent[]): Promise<Map<string, number>> {
  const streams = [...new Map(sent.map((message) => [`${message.topic}/${message.key}`, message])).values()];
  const rows = await subscriber.rows<{ topic: string; key: string; last_sequence: number }>(REMEMBERED, [
    source,
    streams.map(({ topic }) => topic),
    streams.map(({ key }) => key),
  ]);
  return new Map(rows.map(({ topic, key, last_sequence }) => [`${topic}/${key}`, last_sequence]));
}

async function heldStatus(view: ModuleView): Promise<HeldStatus> {
  const [row] = await view.rows<Omit<HeldStatus, 'module'>>(
    `SELECT count(*) FILTER (WHERE state = 'parked') AS parked, count(*) FILTER (WHERE state = 'retrying') AS retrying,
            count(*) FILTER (WHERE state = 'waiting') AS waiting, min(held_at) FILTER (WHERE state = 'parked') AS "oldestParked"
     FROM held_message`,
  );
  return { module: view.module, ...(row as Omit<HeldStatus, 'module'>) };
}

function show({ edges, modules }: BusStatus): void {
  const flow = edges.map(({ source, subscriber, behind, oldest, ...edge }) => [
    `${source} → ${subscriber}`,
    edge.topics.map((topic) => topic.slice(topic.indexOf('.') + 1)).join(', '),
    behind,
    oldest ? age(oldest) : '',
    consumerOf(edge),
  ]);
  print(tableOf(['messages', 'of kind', 'behind', 'oldest', 'consumer'], flow));
  const held = modules.map(({ module, parked, retrying, waiting, oldestParked }) => [
    module,
    parked,
    retrying,
    waiting,
    oldestParked ? age(oldestParked) : '',
  ]);
  print(tableOf(['module', 'parked', 'retrying', 'waiting behind', 'parked for'], held));
}

function consumerOf({ owner, leaseUntil, attended }: Pick<EdgeStatus, 'owner' | 'leaseUntil' | 'attended'>): string {
  if (!owner || !leaseUntil) return 'never';
  const lease = Math.round((leaseUntil.getTime() - Date.now()) / 1000);
  return attended ? `${owner.slice(0, 8)}, lease ${lease} s` : 'gone';
}
