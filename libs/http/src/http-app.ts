import { Module, type DynamicModule, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { ConfigModule, type Settings } from '@banyan/config';
import { NestLogger, TelemetryModule } from '@banyan/telemetry';
import { holdAnswersToTheirSchemas } from './answer-check';
import { serveDocuments } from './documents';
import { Draining } from './draining';
import { httpAdapter } from './http-adapter';
import type { HostingApp } from './hosted-modules.controller';
import { HttpModule } from './http.module';
import type { Documents } from './openapi';
import { ProblemFilter } from './problem.filter';
import { tellOfRequests } from './request-log';
import { Routes } from './routes';
import { SchemaPipe } from './schema.pipe';
import { BASE_PATH, OUTSIDE_BASE_PATH } from './served-paths';

/**
 * An app that serves the given modules over HTTP as api.md says; not yet initialised, so that the caller can connect a
 * microservice before it listens. Throws what the modules throw while they are made.
 */
export async function createHttpApp(
  settings: Settings,
  modules: readonly (Type | DynamicModule)[],
  { app: about = { name: 'app', version: 'unversioned' }, ...documents }: Documents & { app?: HostingApp } = {},
): Promise<NestFastifyApplication> {
  @Module({
    imports: [
      ConfigModule.forRoot(settings),
      TelemetryModule.forRoot(settings),
      HttpModule.forApp(settings, about),
      ...modules,
    ],
  })
  class App {}

  const adapter = httpAdapter(settings);
  const app = await NestFactory.create<NestFastifyApplication>(App, adapter, {
    bufferLogs: true,
    // Where the app cannot be made, whoever asked for it is told by the error, and needs no account of Nest's start.
    autoFlushLogs: false,
    // The adapter parses bodies itself, JSON only.
    bodyParser: false,
    abortOnError: false,
  });
  app.useLogger(app.get(NestLogger));
  app.flushLogs();
  app.setGlobalPrefix(BASE_PATH, { exclude: OUTSIDE_BASE_PATH });
  app.useGlobalPipes(new SchemaPipe());
  app.useGlobalFilters(new ProblemFilter());

  const fastify = adapter.getInstance();
  const routes = app.get(Routes);
  // Before the body is read, as the order of checks wants: Nest's guards would come after it.
  fastify.addHook('onRequest', async (request) => {
    const { route } = request.routeOptions.config;
    if (!route?.audience || route.audience === 'anyone') return;
    request.caller = await routes.tokensFor(route).admit(request.headers.authorization, route.audience);
  });
  app.get(Draining).watch(fastify);
  tellOfRequests(fastify);
  if (settings.environment === 'test') holdAnswersToTheirSchemas(fastify);
  serveDocuments(app, documents, settings);
  return app;
}
