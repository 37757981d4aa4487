/** What carries messages in the suite: one set of promises, held against each of these. */
export interface Transport {
  name: 'in-process' | 'kafka';
  environment: Record<string, string>;
  /** Where the two differ though both keep their promises: declared here, and nowhere else. */
  differs: {
    /** One instance consumes all of a source, or all of them share its partitions. */
    sharing: 'one at a time' | 'together';
    /** What holds the days of a publisher's log: the subscribers themselves, or the topics that keep their own. */
    keptFor: 'subscribers' | 'topics';
    /** Where the position of a place in the post's log is: SQL over the database of all. */
    position(place: string): string;
    /** What makes the town's consumption somebody else's, besides another owner. */
    otherOwner: string;
  };
}

export const inProcess: Transport = {
  name: 'in-process',
  environment: { EVENT_TRANSPORT: 'in-process' },
  differs: {
    sharing: 'one at a time',
    keptFor: 'subscribers',
    position: (place) => `SELECT position FROM ${place}.subscription`,
    otherOwner: '',
  },
};

/** Over the broker of this run; an office has topics and groups of its own there. */
export const kafka: Transport = {
  name: 'kafka',
  environment: { EVENT_TRANSPORT: 'kafka', KAFKA_BROKERS: process.env['KAFKA_BROKERS'] ?? '', KAFKA_PARTITIONS: '4' },
  differs: {
    sharing: 'together',
    keptFor: 'topics',
    position: () => `SELECT position FROM post.relay WHERE topic = 'post.events'`,
    // An instance that consumes in its own process.
    otherOwner: `, transport = 'in-process'`,
  },
};

export const transports: readonly Transport[] = [inProcess, kafka];
