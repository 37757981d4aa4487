import { createServer, type Server } from 'node:net';

// Below the range that systems take for outgoing connections (32768 on Linux): there, a client that keeps trying to
// reach a server which is away may be given that server's own port, and the server could not come back to it.
const LOWEST = 10_000;
const HIGHEST = 32_000;

/**
 * As many ports of 127.0.0.1 as asked for that nobody listens on: the first free ones from `from` on, or else, for
 * those who start at the same moment, from a random one.
 */
export async function freePorts(count: number, from?: number): Promise<number[]> {
  const held: { port: number; server: Server }[] = [];
  let port = from ?? LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST));
  try {
    // Held until all are found, so that none is found twice.
    for (; held.length < count; port++) {
      const server = await listen(port);
      if (server) held.push({ port, server });
    }
  } finally {
    for (const { server } of held) await new Promise((closed) => server.close(closed));
  }
  return held.map((each) => each.port);
}

/** Whether nobody listens on any of these ports of 127.0.0.1. */
export async function areFree(ports: readonly number[]): Promise<boolean> {
  for (const port of ports) {
    const server = await listen(port);
    if (!server) return false;
    await new Promise((closed) => server.close(closed));
  }
  return true;
}

function listen(port: number): Promise<Server | null> {
  return new Promise((answer, fail) => {
    const server = createServer();
    server.once('error', (error: Error & { code?: string }) =>
      error.code === 'EADDRINUSE' || error.code === 'EACCES' ? answer(null) : fail(error),
    );
    server.listen(port, '127.0.0.1', () => answer(server));
  });
}
