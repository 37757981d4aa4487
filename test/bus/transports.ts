/** What carries messages in the suite: one set of promises, held against each of these. */
export interface Transport {
  name: 'in-process' | 'kafka';
  environment: Record<string, string>;
}

export const inProcess: Transport = { name: 'in-process', environment: { EVENT_TRANSPORT: 'in-process' } };

/** Over the broker of this run; an office has topics and groups of its own there. */
export const kafka: Transport = {
  name: 'kafka',
  environment: { EVENT_TRANSPORT: 'kafka', KAFKA_BROKERS: process.env['KAFKA_BROKERS'] ?? '', KAFKA_PARTITIONS: '4' },
};

/** Every file of the suite runs once with each. */
export const transports: readonly Transport[] = [inProcess];
