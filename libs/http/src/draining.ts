import { setTimeout as delay } from 'node:timers/promises';
import { Injectable, type BeforeApplicationShutdown, type OnModuleDestroy } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';

const PATIENCE_MS = 250;

/**
 * Lets clients go without a failed request: from the beginning of the shutdown every answer says `Connection: close`,
 * and the port stays open a moment longer, so that keep-alive connections end by an answer and not in the middle of
 * the next request.
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
  }

  async beforeApplicationShutdown(): Promise<void> {
    const until = performance.now() + PATIENCE_MS;
    while (performance.now() < until && (await this.connections()) > 0) await delay(10);
  }

  private connections(): Promise<number> {
    const { server } = this.fastify ?? {};
    if (!server?.listening) return Promise.resolve(0);
    return new Promise((resolve) => server.getConnections((_error, count) => resolve(count ?? 0)));
  }
}
