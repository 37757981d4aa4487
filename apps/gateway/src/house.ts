import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { GatewaySettings } from '@banyan/config';
import { correlationIdOf, NestLogger, TelemetryModule } from '@banyan/telemetry';
import { SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { Registry } from 'prom-client';
import { Documents } from './documents';
import { DocumentsController } from './documents.controller';
import { HealthController } from './health.controller';
import { MetricsController } from './metrics.controller';
import { ProblemFilter } from './problem.filter';
import { RoutesController } from './routes.controller';
import { Routing } from './routing';

/** Whose paths `house` answers; all others of its paths are for operators only. */
export const isOwnPath = (path: string) => OWN_PATHS.has(path) || path.startsWith('/docs/');
const OWN_PATHS = new Set(['/health/live', '/health/ready', '/metrics', '/openapi.json', '/asyncapi.json', '/docs']);

// What is shown is made anew for each who asks.
const NOTHING_YET: OpenAPIObject = { openapi: '3.1.0', info: { title: '', version: '' }, paths: {} };

class Adapter extends FastifyAdapter {
  // Nest would replace Fastify's errors by exceptions of its own before the filter sees which they are.
  override mapException(error: unknown): unknown {
    return error;
  }
}

/**
 * What the gateway itself answers, as a Nest app: health, metrics and documents for everybody, the routes for operators. Not yet
 * listening. Requests that are led to apps never come through here.
 */
export async function house(
  settings: GatewaySettings,
  routing: Routing,
  metrics: Registry,
): Promise<NestFastifyApplication> {
  const documents = new Documents(routing);
  @Module({
    imports: [TelemetryModule.forRoot(settings)],
    controllers: [DocumentsController, HealthController, MetricsController, RoutesController],
    providers: [
      { provide: Routing, useValue: routing },
      { provide: Documents, useValue: documents },
      { provide: Registry, useValue: metrics },
    ],
  })
  class House {}

  const adapter = new Adapter();
  const fastify = adapter.getInstance();
  // As every answer of an app has it, and every refusal of the gateway's.
  fastify.addHook('onRequest', (request, reply, done) => {
    void reply.header('x-correlation-id', correlationIdOf(request.headers['x-correlation-id']));
    done();
  });
  fastify.removeAllContentTypeParsers();
  // Read as text: a topology is YAML, of which JSON is a part.
  fastify.addContentTypeParser(
    ['application/json', 'application/yaml', 'application/x-yaml', 'text/yaml'],
    { parseAs: 'string' },
    (_request, text, done) => done(null, text),
  );
  const app = await NestFactory.create<NestFastifyApplication>(House, adapter, {
    bufferLogs: true,
    autoFlushLogs: false,
    bodyParser: false,
    abortOnError: false,
  });
  app.useLogger(app.get(NestLogger));
  app.flushLogs();
  app.useGlobalFilters(new ProblemFilter());
  SwaggerModule.setup('docs', app, NOTHING_YET, {
    raw: false,
    customSiteTitle: 'Banyan',
    patchDocumentOnRequest: async () => (await documents.document('/openapi.json')) as OpenAPIObject,
  });
  return app;
}
