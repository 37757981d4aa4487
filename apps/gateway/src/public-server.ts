import { createServer, type IncomingMessage, type Server } from 'node:http';
import { Server as NetServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { refuseOnSocket } from '@banyan/problem';
import type { Proxy } from './proxy';

// Node looks for slow clients every half minute otherwise, and would let them stay for as long.
const LOOKS_FOR_SLOW_CLIENTS_EVERY_MS = 1_000;
// A client that does not read its answer is let go after this.
const LONGEST_SILENCE_MS = 60_000;
// Between two requests, as the apps behind us: a client that keeps its connection finds it alive.
const KEEPS_CONNECTIONS_MS = 72_000;
// While draining: a client that is about to ask again gets an answer that tells it to go.
const PATIENCE_MS = 250;
const PAUSE_MS = 10;

/** The server that the world talks to: Node's own, as strict as it can be, with the proxy behind it. */
export class PublicServer {
  private readonly server: Server;

  constructor(
    private readonly proxy: Proxy,
    { requestTimeoutMs, headerLimitBytes }: { requestTimeoutMs: number; headerLimitBytes: number },
  ) {
    const server = createServer({
      insecureHTTPParser: false,
      maxHeaderSize: headerLimitBytes,
      requestTimeout: requestTimeoutMs,
      // Where it is the longer of the two, as by default, Node takes the one for the other.
      headersTimeout: requestTimeoutMs,
      connectionsCheckingInterval: Math.min(LOOKS_FOR_SLOW_CLIENTS_EVERY_MS, requestTimeoutMs),
      keepAliveTimeout: KEEPS_CONNECTIONS_MS,
      // Node would refuse it without a problem; the proxy does it with one.
      requireHostHeader: false,
      noDelay: true,
    });
    // Node would leave out of the list what comes after the two-thousandth; their size is limited already.
    server.maxHeadersCount = 0;
    server.setTimeout(LONGEST_SILENCE_MS, (socket: Socket) => proxy.silent(socket));
    server.on('request', (request, response) => proxy.handle(request, response));
    server.on('checkContinue', (request, response) => proxy.handle(request, response, true));
    server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
      if (proxy.interrupts(socket)) refuseOnSocket(error, socket);
      else socket.destroy();
    });
    server.on('connect', (_request: IncomingMessage, socket: Socket) => {
      refuseOnSocket(new Error('Nobody is led anywhere by CONNECT.'), socket);
    });
    this.server = server;
  }

  listen(port: number, host: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(port, host, () => {
        this.server.off('error', reject);
        resolve();
      });
    });
  }

  get port(): number {
    const address = this.server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /**
   * Lets clients go without a failed request. The port is closed first: who were sent away while it was open would come
   * again. Then every answer says `Connection: close`, and connections between two requests are kept a moment longer, so
   * that they end by an answer. Comes when nobody is left; requests under way are waited for as long as they take.
   */
  async drain(): Promise<void> {
    this.proxy.draining = true;
    // Not the HTTP server's own close(), which also ends every connection that is between two requests.
    if (this.server.listening) NetServer.prototype.close.call(this.server);
    // Counted in pauses and not by the clock: a process that had no turn on a busy machine has not read what was sent.
    for (let idle = 0; idle < PATIENCE_MS / PAUSE_MS && (await this.connections()) > 0;) {
      await delay(PAUSE_MS);
      idle = this.proxy.underWay > 0 ? 0 : idle + 1;
    }
    this.server.closeAllConnections();
  }

  private connections(): Promise<number> {
    return new Promise((resolve) => this.server.getConnections((_error, count) => resolve(count ?? 0)));
  }
}
