import { performance } from 'node:perf_hooks';
import { failpoint } from '@banyan/failpoints';
import { Database, statement } from '@banyan/persistence';
import { Producer } from 'kafkajs';
import { LoggedMessage } from '../envelope';
import { OwnershipLost } from '../errors';
import { Destination } from '../feed';
import { Ownership, Ownerships } from '../ownership';
import { Extent, KafkaCluster } from './cluster';
import { toKafka } from './records';

// What is sent again after a crash is dropped by its subscribers, so the position need not follow every batch.
const KEEP_MS = 250;
// A broker takes this much at a time unless told otherwise; a single message may be larger.
const BYTES_AT_ONCE = 900_000;

interface SentRow {
  cluster: string | null;
  /** By partition, the offset of the last record of whose acknowledgement we know. */
  sent: Record<string, number>;
}

const recalling = statement<SentRow>('relay.sent', 'SELECT cluster, sent FROM relay WHERE topic = $1');

const recording = statement<never>(
  'relay.record',
  'UPDATE relay SET sent = sent || $3::jsonb WHERE topic = $1 AND epoch = $2',
);

const beginningAgain = statement<never>(
  'relay.begin-again',
  `UPDATE relay SET position = $3, complete = $4, cluster = $5, sent = '{}' WHERE topic = $1 AND epoch = $2`,
);

export interface TopicParts {
  module: string;
  database: Database;
  topic: string;
  cluster: KafkaCluster;
  ownerships: Ownerships;
}

/**
 * A topic of Kafka, as the destination of its publisher's log. Acknowledged sends, in the order of the log; what is sent
 * twice after a crash, or by an owner that wakes up late, only repeats a record.
 */
export class Topic implements Destination {
  readonly name: string;
  readonly topics: ReadonlySet<string>;
  private producer: Producer | undefined;
  private keptAt = -Infinity;
  private kept = 0;
  private sent: Record<string, number> = {};

  constructor(private readonly parts: TopicParts) {
    this.name = parts.cluster.nameOf(parts.topic);
    this.topics = new Set([parts.topic]);
  }

  async take(begin: { position: number; complete: boolean }): Promise<Ownership | undefined> {
    const { topic, cluster, ownerships, database } = this.parts;
    const owned = await ownerships.take(topic, this.topics, begin);
    if (!owned) return undefined;
    const { cluster: now, extents } = await cluster.look([topic]);
    const [{ cluster: before, sent } = { cluster: null, sent: {} }] = await database.query(recalling, [topic]);
    this.sent = {};
    this.kept = owned.position;
    if (before === now && hasAll(sent, extents.get(topic) ?? [])) return owned;
    // New, or wiped: everything that the log still has goes there. What subscribers have had, they drop.
    const { position, complete } = begin;
    await database.query(beginningAgain, [topic, owned.epoch, position, complete, now]);
    this.kept = position;
    return { ...owned, position, complete };
  }

  position(): Promise<number | undefined> {
    return this.parts.ownerships.positionOf(this.parts.topic);
  }

  async carry(batch: readonly LoggedMessage[], owned: Ownership, settled: number): Promise<number> {
    for (const part of partsOf(batch)) await this.send(part, owned);
    await failpoint('relay.after-send');
    if (performance.now() - this.keptAt >= KEEP_MS) await this.keep(owned, settled);
    return this.kept;
  }

  async keep(owned: Ownership, position: number): Promise<void> {
    const { module, topic, database, ownerships } = this.parts;
    if (!(await ownerships.move(owned, position))) throw new OwnershipLost(this.name, module);
    if (Object.keys(this.sent).length > 0) {
      await database.query(recording, [topic, owned.epoch, this.sent]);
      this.sent = {};
    }
    this.kept = position;
    this.keptAt = performance.now();
  }

  /** Nothing to forget: what comes again is sent again. */
  rewound(): void {}

  async close(): Promise<void> {
    const { producer } = this;
    this.producer = undefined;
    await producer?.disconnect();
  }

  private async send(batch: readonly LoggedMessage[], { complete }: Ownership): Promise<void> {
    const { module, cluster } = this.parts;
    const messages = batch.map((message) => ({
      ...toKafka(module, message, complete),
      partition: cluster.partitionOf(message.key),
    }));
    const unacknowledged = new Set(messages.map(({ partition }) => partition));
    try {
      this.producer ??= await this.connect();
      const answers = await this.producer.sendBatch({ acks: -1, topicMessages: [{ topic: this.name, messages }] });
      for (const { partition, baseOffset, errorCode } of answers) {
        if (errorCode !== 0) continue;
        unacknowledged.delete(partition);
        this.sent[partition] = Number(baseOffset);
      }
      // While leaders change, kafkajs forgets what it had for a partition whose new leader has answered it for others, and
      // calls that a success.
      if (unacknowledged.size > 0) throw new Unacknowledged(this.name, unacknowledged);
    } catch (error) {
      // It would number what comes next as if it were this batch, and a broker that has this one would drop it as a repeat.
      this.close().catch(() => undefined);
      throw error;
    }
  }

  private async connect(): Promise<Producer> {
    const producer = this.parts.cluster.producer();
    await producer.connect();
    return producer;
  }
}

/** The brokers have not said that they have it; it is sent again. */
class Unacknowledged extends Error {
  constructor(topic: string, partitions: Iterable<number>) {
    super(`${topic}: no acknowledgement for partition ${[...partitions].join(', ')}`);
  }
}

function hasAll(sent: SentRow['sent'], extents: readonly Extent[]): boolean {
  return Object.entries(sent).every(([partition, offset]) => (extents[Number(partition)]?.high ?? 0) > offset);
}

/** As few parts as fit through at once. */
function partsOf(batch: readonly LoggedMessage[]): LoggedMessage[][] {
  const parts: LoggedMessage[][] = [];
  let bytes = Infinity;
  for (const message of batch) {
    const size = Buffer.byteLength(message.data) + 1_000;
    if (bytes + size > BYTES_AT_ONCE) {
      parts.push([]);
      bytes = 0;
    }
    parts.at(-1)?.push(message);
    bytes += size;
  }
  return parts;
}
