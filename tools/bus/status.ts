import { parseArgs } from 'node:util';
import type { ModuleView } from '../audit/module-view';
import type { Party } from './parties';
import { age, print, printJson, tableOf } from './printed';
import { unreadIn, type LookAtTopics, type Place } from './topics';
import { withViews } from './views';

export const HELP = `How far every subscriber is, and what every module holds.

  npm run bus -- status [--check] [--json]

  --check   exits 1 if anything is parked
  --json    one JSON object instead: edges, relays, whether Kafka could be asked, and modules

Over: what brings the subscriber the messages now, its own process or kafka.
Behind: messages in the log of the first module that the second has not taken over yet, and the age of the oldest. Over
kafka: those that are not sent yet, and the records of the topic that it has not read; "?" where no broker answers. After a
replay or a move it reads again what it has handled, and that counts, too.
Consumer: which instance consumes, and for how long its lease still holds; over kafka how many share the work; "gone" where
none is there. Lines like "orders → kafka" tell how much of a module's log its topics do not have yet, and who sends.
`;

/** How far a subscriber is with a source. */
export interface EdgeStatus {
  source: string;
  subscriber: string;
  topics: string[];
  /** What brings it the messages now; null where it never heard any. */
  transport: 'in-process' | 'kafka' | null;
  /** Up to where it has taken over the log; over Kafka it stands still. */
  position: number;
  /** Messages that it has not taken over. */
  behind: number;
  /** Over Kafka, what `behind` is made of: not sent yet, and sent but not read, null where no broker answers. */
  overKafka: { unsent: number; unread: number | null } | null;
  /** When the oldest of them was sent. */
  oldest: Date | null;
  /** The instance that consumes; null where none ever did, and over Kafka, where they share. */
  owner: string | null;
  leaseUntil: Date | null;
  /** How many instances hold the lock of whoever consumes. */
  instances: number;
  /** Somebody is there: holds that lock, and the lease. */
  attended: boolean;
}

/** How much of a module's log is in a topic of Kafka. */
export interface RelayStatus {
  source: string;
  topic: string;
  position: number;
  /** Messages for the topic that it does not have yet; some of the last quarter of a second may be there already. */
  behind: number;
  oldest: Date | null;
  owner: string;
  leaseUntil: Date;
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
  /** The moment as of which all of it is, but what topics hold, which is looked at right afterwards. */
  at: Date;
  edges: EdgeStatus[];
  /** Those that somebody attends to, or that an edge needs: what is left of earlier placements is not told of. */
  relays: RelayStatus[];
  /** Why Kafka could not be asked; null where it was, or nothing goes over it. */
  kafkaAway: string | null;
  modules: HeldStatus[];
}

const NOTHING_PARKED = 0;
const SOMETHING_PARKED = 1;

export async function run(args: string[], parties: readonly Party[], lookAtTopics: LookAtTopics): Promise<number> {
  const { values } = parseArgs({
    args,
    options: { check: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
  });
  const status = await busStatus(parties, lookAtTopics);
  if (values.json) printJson(status);
  else show(status);
  const parked = status.modules.some((module) => module.parked > 0);
  return values.check && parked ? SOMETHING_PARKED : NOTHING_PARKED;
}

export async function busStatus(parties: readonly Party[], lookAtTopics: LookAtTopics): Promise<BusStatus> {
  return withViews(parties, async (views) => {
    const at = new Date();
    const edges = await edgesBetween(parties, views);
    const topics = new Set(edges.flatMap((edge) => (edge.subscription?.transport === 'kafka' ? edge.topics : [])));
    const held = await whatTopicsHold([...topics], lookAtTopics);
    const statuses: EdgeStatus[] = [];
    for (const edge of edges) statuses.push(await edgeStatus(edge, held.extents));
    const relays = (await Promise.all([...views.values()].map(relaysOf))).flat();
    return {
      at,
      edges: statuses,
      relays: relays.filter(({ topic, attended }) => attended || topics.has(topic)),
      kafkaAway: held.away,
      modules: await Promise.all([...views.values()].map(heldStatus)),
    };
  });
}

/** One module's messages to another. */
interface Edge {
  source: ModuleView;
  subscriber: ModuleView;
  topics: string[];
  subscription: SubscriptionRow | undefined;
}

interface SubscriptionRow {
  transport: 'in-process' | 'kafka';
  position: number;
  owner: string;
  leaseUntil: Date;
  instances: number;
  attended: boolean;
}

/** How many sessions hold the lock of a row's `presence`: an owner's own, or all that share the work over Kafka. */
const INSTANCES = `(
  SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND classid::bigint = presence >> 32 AND objid::bigint = presence & 4294967295)`;

const ATTENDANCE = `owner, lease_until AS "leaseUntil", ${INSTANCES} AS instances,
  lease_until > now() AND ${INSTANCES} > 0 AS attended`;

const SUBSCRIPTION = `SELECT transport, position, ${ATTENDANCE} FROM subscription WHERE source = $1`;

async function edgesBetween(parties: readonly Party[], views: ReadonlyMap<string, ModuleView>): Promise<Edge[]> {
  const edges: Edge[] = [];
  for (const subscriber of parties) {
    const heard = new Set(subscriber.hears.map(({ topic }) => topic));
    for (const source of parties) {
      const sent = new Set(source.publishes.map(({ topic }) => topic));
      const topics = [...sent].filter((topic) => heard.has(topic)).sort();
      if (topics.length === 0) continue;
      const hearing = views.get(subscriber.module)!;
      const [subscription] = await hearing.rows<SubscriptionRow>(SUBSCRIPTION, [source.module]);
      edges.push({ source: views.get(source.module)!, subscriber: hearing, topics, subscription });
    }
  }
  return edges;
}

type Extents = Awaited<ReturnType<LookAtTopics>>;

async function whatTopicsHold(
  topics: string[],
  look: LookAtTopics,
): Promise<{ extents: Extents | null; away: string | null }> {
  if (topics.length === 0) return { extents: null, away: null };
  try {
    return { extents: await look(topics), away: null };
  } catch (error) {
    return { extents: null, away: (error as Error).message };
  }
}

async function edgeStatus(edge: Edge, extents: Extents | null): Promise<EdgeStatus> {
  const { source, subscriber, topics, subscription } = edge;
  const { transport = null, position = 0, leaseUntil = null, instances = 0, attended = false } = subscription ?? {};
  const overKafka = transport === 'kafka';
  const progress = overKafka ? await progressOverKafka(edge, extents) : await progressInProcess(edge, position);
  return {
    ...{ source: source.module, subscriber: subscriber.module, topics, transport, position, ...progress },
    ...{ owner: overKafka ? null : (subscription?.owner ?? null), leaseUntil, instances, attended },
  };
}

type Progress = Pick<EdgeStatus, 'behind' | 'oldest' | 'overKafka'>;

const SENT_SINCE = 'SELECT topic, key, sequence, time FROM outbox WHERE position > $1 AND topic = ANY($2::text[])';

async function progressInProcess(edge: Edge, position: number): Promise<Progress> {
  // The position is where nothing below is missing; of what lies above, much may have been taken over.
  const sent = edge.source.stream<Sent>(SENT_SINCE, [position, edge.topics]);
  return { ...(await countNew(edge, sent)), overKafka: null };
}

// Where nobody has begun to send to a topic, all of the log is unsent. Topic by topic, so that each begins where its relay is.
const UNSENT = `
  SELECT unsent.* FROM unnest($1::text[]) AS t(topic) LEFT JOIN relay r USING (topic), LATERAL (
    SELECT o.topic, o.key, o.sequence, o.time FROM outbox o
    WHERE o.topic = t.topic AND o.position > coalesce(r.position, 0)) AS unsent`;

const PLACES = `
  SELECT source, topic, partition, next_offset AS next FROM kafka_position WHERE topic = ANY($1::text[])`;

/** Two stretches: from the log to the topic, where the publisher knows how far it is, and from there to the subscriber. */
async function progressOverKafka(edge: Edge, extents: Extents | null): Promise<Progress> {
  const { source, subscriber, topics } = edge;
  const { behind: unsent, oldest } = await countNew(edge, source.stream<Sent>(UNSENT, [topics]));
  if (!extents) return { behind: unsent, oldest, overKafka: { unsent, unread: null } };
  const places = await subscriber.rows<Place>(PLACES, [topics]);
  const unread = unreadIn(extents, places, { source: source.module, topics });
  const behind = unsent + unread;
  if (unread === 0) return { behind, oldest, overKafka: { unsent, unread } };
  // No position says where that is in the log, so it is looked for from the end, and only as far as needed.
  const latest = await countNew(edge, latestFirst(source, topics), behind);
  return { behind, oldest: latest.oldest, overKafka: { unsent, unread } };
}

const PAGE = 2_000;

const LATEST = `
  SELECT position, topic, key, sequence, time FROM outbox
  WHERE topic = ANY($1::text[]) AND position < $2 ORDER BY position DESC LIMIT ${PAGE}`;

async function* latestFirst(source: ModuleView, topics: string[]): AsyncGenerator<Sent[]> {
  for (let before = Number.MAX_SAFE_INTEGER; ;) {
    const page = await source.rows<Sent & { position: number }>(LATEST, [topics, before]);
    yield page;
    const last = page.at(-1);
    if (!last || page.length < PAGE) return;
    before = last.position;
  }
}

interface Sent {
  topic: string;
  key: string;
  sequence: number;
  time: Date;
}

const REMEMBERED = `
  SELECT topic, key, last_sequence FROM stream_memory
  WHERE source = $1 AND (topic, key) IN (SELECT * FROM unnest($2::text[], $3::text[]))`;

/** Of these messages, those that the subscriber has not taken over; ends once there are `enough`. */
async function countNew(
  { source, subscriber }: Edge,
  sent: AsyncIterable<Sent[]>,
  enough = Infinity,
): Promise<{ behind: number; oldest: Date | null }> {
  let behind = 0;
  let oldest: Date | null = null;
  for await (const messages of sent) {
    const remembered = await memoryOf(subscriber, source.module, messages);
    for (const { topic, key, sequence, time } of messages) {
      if (sequence <= (remembered.get(`${topic}/${key}`) ?? 0)) continue;
      behind += 1;
      if (oldest === null || time < oldest) oldest = time;
    }
    if (behind >= enough) break;
  }
  return { behind, oldest };
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

const RELAYS = `
  SELECT r.topic, r.position, sent.behind, sent.oldest, ${ATTENDANCE} FROM relay r, LATERAL (
    SELECT count(*) AS behind, min(time) AS oldest FROM outbox o WHERE o.topic = r.topic AND o.position > r.position) AS sent
  ORDER BY r.topic`;

async function relaysOf(view: ModuleView): Promise<RelayStatus[]> {
  const rows = await view.rows<Omit<RelayStatus, 'source'> & { instances: number }>(RELAYS);
  return rows.map(({ instances: _, ...relay }) => ({ source: view.module, ...relay }));
}

async function heldStatus(view: ModuleView): Promise<HeldStatus> {
  const [row] = await view.rows<Omit<HeldStatus, 'module'>>(
    `SELECT count(*) FILTER (WHERE state = 'parked') AS parked, count(*) FILTER (WHERE state = 'retrying') AS retrying,
            count(*) FILTER (WHERE state = 'waiting') AS waiting, min(held_at) FILTER (WHERE state = 'parked') AS "oldestParked"
     FROM held_message`,
  );
  return { module: view.module, ...(row as Omit<HeldStatus, 'module'>) };
}

function show({ at, edges, relays, kafkaAway, modules }: BusStatus): void {
  const heard = edges.map(({ source, subscriber, topics, transport, behind, oldest, overKafka, ...edge }) => [
    `${source} → ${subscriber}`,
    topics.map((topic) => topic.slice(topic.indexOf('.') + 1)).join(', '),
    transport === 'in-process' ? 'process' : (transport ?? ''),
    overKafka && overKafka.unread === null ? `${behind} + ?` : behind,
    oldest ? age(oldest, at) : '',
    overKafka ? consumersOf(edge, at) : ownerOf(edge, at),
  ]);
  const sent = relays.map(({ source, topic, behind, oldest, ...relay }) => [
    `${source} → kafka`,
    topic,
    'kafka',
    behind,
    oldest ? age(oldest, at) : '',
    ownerOf(relay, at),
  ]);
  print(tableOf(['messages', 'of kind', 'over', 'behind', 'oldest', 'consumer'], [...heard, ...sent]));
  if (kafkaAway) print(`What topics of Kafka hold is not counted, since it could not be asked: ${kafkaAway}`);
  const held = modules.map(({ module, parked, retrying, waiting, oldestParked }) => [
    module,
    parked,
    retrying,
    waiting,
    oldestParked ? age(oldestParked, at) : '',
  ]);
  print(tableOf(['module', 'parked', 'retrying', 'waiting behind', 'parked for'], held));
}

type Attendance = Pick<EdgeStatus, 'owner' | 'leaseUntil' | 'attended'>;

function ownerOf({ owner, leaseUntil, attended }: Attendance, at: Date): string {
  if (!owner || !leaseUntil) return 'never';
  return attended ? `${owner.slice(0, 8)}, ${leaseFrom(at, leaseUntil)}` : 'gone';
}

type Sharing = Pick<EdgeStatus, 'instances' | 'leaseUntil' | 'attended'>;

function consumersOf({ instances, leaseUntil, attended }: Sharing, at: Date): string {
  if (!attended || !leaseUntil) return 'gone';
  return `${instances} ${instances === 1 ? 'instance' : 'instances'}, ${leaseFrom(at, leaseUntil)}`;
}

const leaseFrom = (at: Date, until: Date) => `lease ${Math.round((until.getTime() - at.getTime()) / 1000)} s`;
