import { describeWithKafka } from '../kafka/describe-with-kafka';
import { inProcess, kafka, Transport } from './transports';

/** The same tests on each transport; those over Kafka are skipped where the run has none, which is said loudly. */
export function describeOnEach(what: string, tests: (transport: Transport) => void): void {
  describe(`${what} (in-process)`, () => tests(inProcess));
  describeWithKafka(`${what} (kafka)`, () => tests(kafka));
}
