import { startEmbeddedPostgres } from '../src';

// Lives until it is killed, or told to come to its end without stopping anything.
process.once('message', () => process.exit(0));
startEmbeddedPostgres({ folder: process.argv[2] as string }).then(
  ({ url, pid }) => process.send?.({ url, pid: pid() }),
  (error: Error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  },
);
