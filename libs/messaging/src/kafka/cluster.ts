import { createHash } from 'node:crypto';
import { Settings } from '@banyan/config';
import { Logger } from '@nestjs/common';
import { Admin, Consumer, Kafka, logLevel, PartitionMetadata, Partitioners, Producer, SASLOptions } from 'kafkajs';
import { TopicMismatch } from '../errors';

/*
 * The only file that makes clients of kafkajs. What else of the bus knows Kafka works with what these offer: send a batch
 * acknowledged, be called with batches, seek, ask for offsets. docs/adr says why, and what would replace it.
 */

/** The messages that a partition holds: from `low` to before `high`. */
export interface Extent {
  low: number;
  high: number;
}

/** What a cluster has of some topics. */
export interface Holding {
  /** Names this cluster and no other: one that was wiped has another id. */
  cluster: string;
  extents: Map<string, Extent[]>;
}

// Short, since whoever asks tries again by itself, and must not be the last to know that the brokers are back.
const CONNECT_MS = 3_000;
const REQUEST_MS = 15_000;
const RETRIES = { initialRetryTime: 100, maxRetryTime: 2_000, retries: 4 };
// The least that brokers allow unless told otherwise.
const SESSION_MS = 6_000;
const FETCH_WAIT_MS = 1_000;
const FETCH_BYTES = 4_194_304;
const DAY_MS = 86_400_000;
// A record holds at most what a publisher may put into a message, and its headers.
const LARGEST_RECORD = 4_194_304;

const byKey = Partitioners.DefaultPartitioner();

silenceNegativeTimeouts();

/** The brokers that the settings name. */
export class KafkaCluster {
  private readonly kafka: Kafka;
  private readonly log = new Logger('kafka');
  private readonly everyPartition: PartitionMetadata[];

  constructor(private readonly settings: Pick<Settings['bus'], 'kafka' | 'retentionDays'>) {
    const { brokers, prefix, tls, login, partitions } = settings.kafka;
    const alike = { partitionErrorCode: 0, leader: 0, replicas: [], isr: [] };
    this.everyPartition = Array.from({ length: partitions }, (_, partitionId) => ({ partitionId, ...alike }));
    this.kafka = new Kafka({
      clientId: `${prefix}-${process.pid}`,
      brokers: [...brokers],
      ssl: tls,
      ...(login ? { sasl: login as SASLOptions } : {}),
      connectionTimeout: CONNECT_MS,
      requestTimeout: REQUEST_MS,
      enforceRequestTimeout: true,
      retry: RETRIES,
      logLevel: logLevel.WARN,
      // Its own words are for whoever looks closely; what matters of them comes back as errors.
      logCreator: () => (entry) => this.log.debug(`${entry.namespace}: ${entry.log.message}`),
    });
  }

  get partitions(): number {
    return this.settings.kafka.partitions;
  }

  /** The partition of a stream: the one that any client of Kafka would choose for the key. */
  partitionOf(key: string): number {
    const partitionMetadata = this.everyPartition;
    return byKey({ topic: '', partitionMetadata, message: { key, value: null } });
  }

  /** A topic's name as Kafka knows it: `banyan.orders.events`. */
  nameOf(topic: string): string {
    return `${this.settings.kafka.prefix}.${topic}`;
  }

  /** The topic behind a name in Kafka. */
  topicOf(name: string): string {
    return name.slice(this.settings.kafka.prefix.length + 1);
  }

  groupOf(module: string): string {
    return `${this.settings.kafka.prefix}.${module}`;
  }

  /**
   * Makes the topics that are not there yet, and checks those that are. Throws TopicMismatch where one has another number
   * of partitions than configured, or what says that the brokers are away.
   */
  async ensureTopics(topics: Iterable<string>): Promise<void> {
    await this.asking((admin) => this.ensure(admin, topics));
  }

  /** Makes and checks topics likewise, and answers what they hold. */
  async look(topics: Iterable<string>): Promise<Holding> {
    return this.asking(async (admin) => {
      const wanted = [...topics];
      await this.ensure(admin, wanted);
      const [{ clusterId }, extents] = await Promise.all([admin.describeCluster(), this.extents(admin, wanted)]);
      return { cluster: clusterId, extents };
    });
  }

  /** What each topic's partitions hold, by number. */
  async extentOf(topics: Iterable<string>): Promise<Map<string, Extent[]>> {
    return this.asking((admin) => this.extents(admin, topics));
  }

  /** The same of those topics that are there, for whoever only looks: it makes none. */
  async extentOfExisting(topics: Iterable<string>): Promise<Map<string, Extent[]>> {
    return this.asking(async (admin) => {
      const existing = new Set(await admin.listTopics());
      const there = [...topics].filter((topic) => existing.has(this.nameOf(topic)));
      return this.extents(admin, there);
    });
  }

  private async ensure(admin: Admin, topics: Iterable<string>): Promise<void> {
    const wanted = [...topics].map((topic) => this.nameOf(topic));
    const { partitions, replication } = this.settings.kafka;
    const existing = new Set(await admin.listTopics());
    const missing = wanted.filter((name) => !existing.has(name));
    if (missing.length > 0) {
      const entries = {
        'cleanup.policy': 'delete',
        'retention.ms': this.settings.retentionDays * DAY_MS,
        'max.message.bytes': LARGEST_RECORD,
        'min.insync.replicas': replication >= 3 ? 2 : 1,
      };
      const configEntries = Object.entries(entries).map(([name, value]) => ({ name, value: String(value) }));
      const topic = { numPartitions: partitions, replicationFactor: replication, configEntries };
      // Somebody else may just be making them; kafkajs answers false then.
      await admin.createTopics({ waitForLeaders: true, topics: missing.map((name) => ({ topic: name, ...topic })) });
    }
    const metadata = await admin.fetchTopicMetadata({ topics: wanted });
    for (const { name, partitions: found } of metadata.topics) {
      if (found.length !== partitions) throw new TopicMismatch(name, found.length, partitions);
    }
  }

  private async extents(admin: Admin, topics: Iterable<string>): Promise<Map<string, Extent[]>> {
    const extents = [...topics].map(async (topic): Promise<[string, Extent[]]> => {
      const byPartition: Extent[] = [];
      for (const { partition, low, high } of await admin.fetchTopicOffsets(this.nameOf(topic))) {
        byPartition[partition] = { low: Number(low), high: Number(high) };
      }
      return [topic, byPartition];
    });
    return new Map(await Promise.all(extents));
  }

  /** Acknowledged by all that must have it, in order, each once as long as it lives. Not to be used after an error. */
  producer(): Producer {
    return this.kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
    });
  }

  consumer(module: string): Consumer {
    return this.kafka.consumer({
      groupId: this.groupOf(module),
      sessionTimeout: SESSION_MS,
      heartbeatInterval: SESSION_MS / 4,
      rebalanceTimeout: 4 * SESSION_MS,
      maxWaitTimeInMs: FETCH_WAIT_MS,
      maxBytesPerPartition: FETCH_BYTES,
      allowAutoTopicCreation: false,
      metadataMaxAge: 60_000,
      // Whoever runs it watches it, and begins again with a new one.
      retry: { ...RETRIES, restartOnFailure: () => Promise.resolve(false) },
    });
  }

  private async asking<Answer>(question: (admin: Admin) => Promise<Answer>): Promise<Answer> {
    // A connection each: rarely needed, and none is left half dead by brokers that went and came.
    const admin = this.kafka.admin({ retry: { ...RETRIES, retries: 2 } });
    try {
      await admin.connect();
      return await question(admin);
    } finally {
      await admin.disconnect().catch(() => undefined);
    }
  }
}

/** In a range that no randomly chosen key comes from; the same for all instances of a module. */
export function sharedLockOf(module: string): number {
  const digest = createHash('sha256').update(`kafka ${module}`).digest();
  return 2 ** 47 + digest.readUIntBE(0, 5);
}

// kafkajs asks for timers in the past, which Node 24 tells of once per process and which does no harm.
function silenceNegativeTimeouts(): void {
  const emitWarning = process.emitWarning.bind(process) as (...args: unknown[]) => void;
  process.emitWarning = ((warning: unknown, ...rest: unknown[]) => {
    if (rest[0] !== 'TimeoutNegativeWarning') emitWarning(warning, ...rest);
  }) as typeof process.emitWarning;
}
