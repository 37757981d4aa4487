import { whyNoKafka } from '../../libs/development/src';
import { sayLoudly } from './say-loudly';

/** Whether this run has a Kafka: the one that start.ts started, or the one that KAFKA_BROKERS named before. */
export const kafkaAvailable = (): boolean => Boolean(process.env['KAFKA_BROKERS']);

/**
 * `describe` where the run has a Kafka, at KAFKA_BROKERS. Its tests are counted as skipped where it has none, which
 * start.ts has said by then; with REQUIRE_KAFKA=1 that is an error. The broker is everybody's: use names of your own
 * for topics and groups, and do it no harm.
 */
export const describeWithKafka: jest.Describe = kafkaAvailable()
  ? describe
  : skipped('KAFKA_BROKERS is not set: does this Jest project lack test/kafka/start.ts?', { said: true });

/** `describe` for tests that start brokers themselves, with `startOwnKafka`; skipped like those of `describeWithKafka`. */
export const describeWithOwnKafka = (name: string, tests: () => void): void => {
  const hindrance = whyNoKafka();
  (hindrance ? skipped(hindrance) : describe)(name, tests);
};

function skipped(why: string, { said = false } = {}): jest.Describe {
  if (process.env['REQUIRE_KAFKA'] === '1') throw new Error(why);
  if (!said) sayLoudly(why);
  return describe.skip;
}
