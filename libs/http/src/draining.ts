import { Server } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Injectable, type BeforeApplicationShutdown, type OnModuleDestroy } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';

const PATIENCE_MS = 250;
const PAUSE_MS = 10;

/**
 * Lets clients go without a failed request: from the beginning of the shutdown the port is closed and every answer says
 * `Connection: close`, while connections are kept a moment longer, so that they end by an answer and not in the middle
 * of the next request. The port goes first: clients that were sent away while it was open would come again, and whoever
 * waited at it when it closed would be cut off with a request on the way.
 */
@Injectable()
export class Draining implements OnModuleDestroy, BeforeApplicationShutdown {
  private draining = false;
  private fastify: FastifyInstance | undefined;

  watch(fastify: FastifyInstance): void {
    this.fastify = fastify;
    fastify.addHook('onSend', (_request, reply, payload, done) => {
      if (this.draining) reply.header('Connection', 'close');
      done(null, payload);
    });
  }

  onModuleDestroy(): void {
    this.draining = true;
    const { server } = this.fastify ?? {};
    // Not the HTTP server's own close(), which also ends every connection that is between two requests.
    if (server?.listening) Server.prototype.close.call(server);
  }

  async beforeApplicationShutdown(): Promise<void> {
    // Counted in pauses and not by the clock: a process that had no turn on a busy machine has not read what was sent.
    for (let pauses = PATIENCE_MS / PAUSE_MS; pauses > 0 && (await this.connections()) > 0; pauses--) {
      await delay(PAUSE_MS);
    }
  }

  private connections(): Promise<number> {
    const { server } = this.fastify ?? {};
    if (!server) return Promise.resolve(0);
    return new Promise((resolve) => server.getConnections((_error, count) => resolve(count ?? 0)));
  }
}
