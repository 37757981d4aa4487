import { askKafka, KafkaUnavailable } from '../../libs/development/src';
import startDatabase from '../database/start';
import { startOwnKafka } from './own-kafka';
import { sayLoudly } from './say-loudly';

/**
 * Jest's global setup of the suites that need PostgreSQL and Kafka: one of each per run, so that two runs side by side
 * share nothing. KAFKA_BROKERS makes them use that Kafka instead. Where none can be had, says so and lets their tests
 * be skipped; with REQUIRE_KAFKA=1 the run fails.
 */
export default async function start(): Promise<void> {
  await Promise.all([startDatabase(), startBroker()]);
}

async function startBroker(): Promise<void> {
  const given = process.env['KAFKA_BROKERS'];
  if (given) {
    if (globalThis.testKafka || (await askKafka(given.split(',')))) return;
    throw new Error(`No Kafka answers at KAFKA_BROKERS=${given}: start it, or unset the variable.`);
  }
  try {
    globalThis.testKafka = await startOwnKafka();
    process.env['KAFKA_BROKERS'] = globalThis.testKafka.brokers.join(',');
  } catch (error) {
    if (!(error instanceof KafkaUnavailable) || process.env['REQUIRE_KAFKA'] === '1') throw error;
    sayLoudly(error.message);
  }
}
