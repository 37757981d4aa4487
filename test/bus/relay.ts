import { once } from 'node:events';
import { AddressInfo, connect, createServer, Socket } from 'node:net';

export interface Relay {
  /** The database, reached through the relay. */
  url: string;
  /** Ends what is connected and refuses what comes. */
  cut(): void;
  /** Says nothing any more and lets nothing through, as a network does that loses every packet. */
  swallow(): void;
  mend(): void;
  close(): Promise<void>;
}

/** Stands between a module and its database, so that a test can take one away from the other. */
export async function openRelay(databaseUrl: string): Promise<Relay> {
  const behind = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  let state: 'open' | 'cut' | 'swallowing' = 'open';
  const server = createServer((incoming) => {
    if (state === 'cut') return void incoming.destroy();
    const outgoing = connect(Number(behind.port), behind.hostname);
    for (const [from, to] of [
      [incoming, outgoing],
      [outgoing, incoming],
    ] as const) {
      sockets.add(from);
      from.on('data', (bytes) => state === 'swallowing' || to.write(bytes));
      from.on('error', () => to.destroy());
      from.on('close', () => {
        sockets.delete(from);
        if (state !== 'swallowing') to.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(databaseUrl);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  const destroyAll = () => sockets.forEach((socket) => socket.destroy());
  return {
    url: url.href,
    cut: () => {
      state = 'cut';
      destroyAll();
    },
    swallow: () => (state = 'swallowing'),
    mend: () => (state = 'open'),
    close: async () => {
      state = 'cut';
      destroyAll();
      server.close();
      await once(server, 'close');
    },
  };
}
