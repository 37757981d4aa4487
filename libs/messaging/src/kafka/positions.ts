import { Database, statement, Transaction } from '@banyan/persistence';

/** Where a subscriber reads on in a partition, for one source. */
export interface Place {
  topic: string;
  partition: number;
  /** The offset of the first record that it has not taken over. */
  next: number;
  /** The id of the record before that: if another one is there, the topic is not the one that it was. */
  lastId: string | null;
}

export interface StoredPlace extends Place {
  source: string;
  /** The source is consumed over Kafka now, by whichever instance. */
  overKafka: boolean;
}

export interface Step extends Place {
  /** The offset from which this step goes; another owner has been here where it is not the stored one. */
  from: number;
}

export interface Consumption {
  source: string;
  epoch: number;
  /** Nothing of the source was gone when the subscriber began. */
  complete: boolean;
}

/** Whoever consumes over Kafka does so together, so there is no single owner. */
const NOBODY = '00000000-0000-0000-0000-000000000000';

const joining = statement<Omit<Consumption, 'source'>>(
  'kafka-position.join',
  `INSERT INTO subscription AS s (source, topics, position, complete, epoch, owner, presence, lease_until, transport)
   VALUES ($1, $2::text[], 0, $3, 1, '${NOBODY}', $4, now() + $5 * interval '1 ms', 'kafka')
   ON CONFLICT (source) DO UPDATE
     SET epoch = s.epoch + (s.transport <> 'kafka')::int, owner = '${NOBODY}', presence = $4, transport = 'kafka',
         lease_until = now() + $5 * interval '1 ms', topics = $2, complete = s.complete AND (s.topics @> $2 OR $3)
     WHERE s.moved_at IS NULL AND (s.transport = 'kafka' OR s.lease_until < now() OR pg_try_advisory_xact_lock(s.presence))
   RETURNING epoch, complete`,
);

const renewing = statement<{ source: string; epoch: number }>(
  'kafka-position.renew',
  `UPDATE subscription SET lease_until = now() + $2 * interval '1 ms'
   WHERE source = ANY($1::text[]) AND transport = 'kafka' RETURNING source, epoch`,
);

const loading = statement<StoredPlace>(
  'kafka-position.load',
  `SELECT source, topic, partition, next_offset AS next, last_id AS "lastId", s.transport = 'kafka' AS "overKafka"
   FROM kafka_position JOIN subscription s USING (source)`,
);

const beginning = statement<never>(
  'kafka-position.begin',
  `INSERT INTO kafka_position (source, topic, partition, next_offset)
   SELECT $1, $2, p, $4 FROM unnest($3::int[]) AS p ON CONFLICT DO NOTHING`,
);

// The subscription is locked against owners of other transports only: the partitions of one source are consumed side by side.
const moving = statement<{ partition: number }>(
  'kafka-position.move',
  `WITH ours AS (
     SELECT FROM subscription WHERE source = $1 AND epoch = $2 AND transport = 'kafka' FOR SHARE
   ), place AS (
     SELECT p.topic, p.partition, s.next, s.last_id
     FROM kafka_position p
     JOIN unnest($3::text[], $4::int[], $5::bigint[], $6::bigint[], $7::text[]) AS s(topic, partition, "from", next, last_id)
       ON p.source = $1 AND p.topic = s.topic AND p.partition = s.partition AND p.next_offset = s."from"
     WHERE EXISTS (SELECT FROM ours)
     ORDER BY p.topic, p.partition FOR UPDATE OF p
   )
   UPDATE kafka_position p SET next_offset = place.next, last_id = place.last_id
   FROM place WHERE p.source = $1 AND p.topic = place.topic AND p.partition = place.partition
   RETURNING p.partition`,
);

const startingOver = statement<never>(
  'kafka-position.start-over',
  `UPDATE kafka_position SET next_offset = $3, last_id = NULL WHERE topic = $1 AND partition = $2`,
);

/** How far a subscriber has come in the partitions of its topics, in its own schema: the truth, whatever Kafka has. */
export class KafkaPositions {
  constructor(
    private readonly database: Database,
    /** The lock that every instance shares which consumes over Kafka; see Presence. */
    private readonly sharedLock: number,
    private readonly leaseMs: number,
  ) {}

  /**
   * Takes part in consuming a source over Kafka; undefined where an instance consumes it in its own process, or the
   * subscriber was exported. `complete`: see Consumption, for a subscriber that begins now.
   */
  async join(source: string, topics: Iterable<string>, complete: boolean): Promise<Consumption | undefined> {
    const values = [source, [...topics], complete, this.sharedLock, this.leaseMs];
    const [joined] = await this.database.query(joining, values);
    return joined && { source, ...joined };
  }

  /** Keeps the sources for another lease; answers the epochs of those that are still consumed over Kafka. */
  async renew(sources: readonly string[]): Promise<Map<string, number>> {
    const rows = await this.database.query(renewing, [sources, this.leaseMs]);
    return new Map(rows.map(({ source, epoch }) => [source, epoch]));
  }

  async load(): Promise<StoredPlace[]> {
    return this.database.query(loading);
  }

  /** Lets a source begin in these partitions, where it has not yet. */
  async begin(source: string, topic: string, partitions: readonly number[], next: number): Promise<void> {
    await this.database.query(beginning, [source, topic, partitions, next]);
  }

  /**
   * Moves the places of a source, where all of them are as these steps found them and the source is still consumed over
   * Kafka under this epoch; answers false otherwise, and the transaction must then come to nothing.
   */
  async move(
    { source, epoch }: Consumption,
    steps: readonly Step[],
    tx: Pick<Transaction, 'query'> = this.database,
  ): Promise<boolean> {
    const moved = await tx.query(moving, [
      source,
      epoch,
      steps.map(({ topic }) => topic),
      steps.map(({ partition }) => partition),
      steps.map(({ from }) => from),
      steps.map(({ next }) => next),
      steps.map(({ lastId }) => lastId),
    ]);
    return moved.length === steps.length;
  }

  /** The partition is not the one that it was: it is read from its beginning, and what was handled is dropped as a repeat. */
  async startOver(topic: string, partition: number, low: number): Promise<void> {
    await this.database.query(startingOver, [topic, partition, low]);
  }
}
