import type { AddressInfo } from 'node:net';
import { Books } from './books';
import { createProvider } from './server';

const folder = process.env.PROVIDER_FOLDER;
const port = Number(process.env.PROVIDER_PORT ?? 0);

if (!folder) refuse('PROVIDER_FOLDER is not set: name the folder in which the payment provider keeps its books.');
if (!Number.isInteger(port) || port < 0 || port > 65_535) refuse('PROVIDER_PORT is not a port: give 0 to 65535.');

const books = new Books(folder);
const server = createProvider(books);
server.on('error', (error) => refuse(`The payment provider cannot listen on port ${port}: ${error.message}.`));
server.listen(port, '127.0.0.1', () => {
  const { port: bound } = server.address() as AddressInfo;
  console.log(JSON.stringify({ listening: `http://127.0.0.1:${bound}` }));
});

process.once('SIGTERM', stop);
process.once('SIGINT', stop);
// Whoever started the provider is gone, however it ended.
process.once('disconnect', stop);

function stop(): void {
  server.close();
  books.close();
  // Some callers are kept waiting on purpose; what they asked for is in the books.
  process.exit(0);
}

function refuse(message: string): never {
  console.error(message);
  process.exit(1);
}
