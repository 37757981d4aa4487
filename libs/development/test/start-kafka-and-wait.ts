import { startKafka } from '../src';

// forked with the folder as argument: starts a Kafka there, tells where it is, and waits to be killed.
startKafka({ folder: String(process.argv[2]), tell: () => undefined }).then(
  ({ brokers, nodes }) => process.send?.({ brokers, pid: nodes[0]?.pid }),
  (error: unknown) => {
    process.stderr.write(`${String(error)}\n`);
    process.exit(1);
  },
);
process.on('message', () => process.exit());
