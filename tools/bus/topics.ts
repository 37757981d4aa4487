import type { Settings } from '@banyan/config';
import { KafkaCluster, type Extent } from '@banyan/messaging';
import { Logger } from '@nestjs/common';

/** What topics hold, by partition; those that are not there are left out. Throws what says that no broker answers. */
export type LookAtTopics = (topics: readonly string[]) => Promise<ReadonlyMap<string, readonly Extent[]>>;

/** Asks the brokers that the settings name. */
export function topicsOf({ bus }: Settings): LookAtTopics {
  return async (topics) => {
    if (bus.kafka.brokers.length === 0) throw new Error('KAFKA_BROKERS is not set');
    // What the client of Kafka says of itself is not for whoever reads our output.
    Logger.overrideLogger(false);
    return new KafkaCluster(bus).extentOfExisting(topics);
  };
}

/** A row of kafka_position: where a subscriber reads on, for one source. */
export interface Place {
  source: string;
  topic: string;
  partition: number;
  next: number;
}

/**
 * How many records of these topics a subscriber has yet to look at for one source. Others may speak on the same topics:
 * where the source has not spoken in a partition yet, it begins where those are.
 */
export function unreadIn(
  extents: ReadonlyMap<string, readonly Extent[]>,
  places: readonly Place[],
  { source, topics }: { source: string; topics: readonly string[] },
): number {
  let unread = 0;
  for (const topic of topics) {
    for (const [partition, { low, high }] of (extents.get(topic) ?? []).entries()) {
      const here = places.filter((place) => place.topic === topic && place.partition === partition);
      const own = here.find((place) => place.source === source);
      const next = own?.next ?? Math.max(low, ...here.map((place) => place.next));
      // One that ends before our place is another one by now, and will be read from its beginning.
      unread += high - (next > high ? low : Math.max(low, next));
    }
  }
  return unread;
}
