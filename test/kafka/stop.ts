import type { KafkaCluster } from '../../libs/development/src';
import stopDatabase from '../database/stop';

declare global {
  /** The broker of this test run, where start.ts started one. */
  var testKafka: KafkaCluster | undefined;
}

/** Jest's global teardown beside start.ts. */
export default async function stop(): Promise<void> {
  const kafka = globalThis.testKafka;
  globalThis.testKafka = undefined;
  if (kafka) delete process.env['KAFKA_BROKERS'];
  await Promise.all([stopDatabase(), kafka?.stop()]);
}
