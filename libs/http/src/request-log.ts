import { Logger } from '@nestjs/common';
import { inJourney, metrics } from '@banyan/telemetry';
import type { FastifyInstance } from 'fastify';
import { Histogram } from 'prom-client';

const NAME = 'http_request_duration_seconds';
const PROBES = /^\/(health|internal|metrics)(\/|$)/;

/** Writes one line and one measurement per request: no query string, header or body, which may hold personal data. */
export function tellOfRequests(fastify: FastifyInstance): void {
  const logger = new Logger('http');
  const duration =
    (metrics.getSingleMetric(NAME) as Histogram<'method' | 'route' | 'status'> | undefined) ??
    new Histogram({
      name: NAME,
      help: 'From the arrival of the headers to the last byte of the answer.',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers: [metrics],
    });
  fastify.addHook('onResponse', (request, reply, done) => {
    // Only routes are told by name: paths that exist nowhere would make a label each.
    const route = request.is404 ? 'unknown' : (request.routeOptions.url ?? 'unknown');
    const { method } = request;
    const { statusCode: status, elapsedTime: ms } = reply;
    duration.observe({ method, route, status }, ms / 1000);
    inJourney(request.journey, () => {
      // Who looks after this process asks every second: worth a line only where the answer is bad.
      const level = status < 400 && PROBES.test(route) ? 'debug' : 'log';
      logger[level]({ msg: `${method} ${route} ${status}`, method, route, status, ms: Math.round(ms * 100) / 100 });
    });
    done();
  });
}
