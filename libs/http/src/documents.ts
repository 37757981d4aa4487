import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { SwaggerModule } from '@nestjs/swagger';
import type { Settings } from '@banyan/config';
import type { FastifyReply } from 'fastify';
import { asyncApiDocument } from './asyncapi';
import { openApiDocument, type Documents } from './openapi';

/** Serves /openapi.json, /docs and /asyncapi.json; each document is made, and written out, when it is first asked for. */
export function serveDocuments(app: NestFastifyApplication, documents: Documents, settings: Settings): void {
  const { title = 'Banyan', version = '1' } = documents;
  const openApi = () => openApiDocument(app, documents, settings);
  SwaggerModule.setup('docs', app, openApi, { raw: false, customSiteTitle: title });
  serveJson(app, '/openapi.json', openApi);
  serveJson(app, '/asyncapi.json', () => asyncApiDocument(app, { title, version }));
}

function serveJson(app: NestFastifyApplication, path: string, make: () => object): void {
  let text: string | undefined;
  app.getHttpAdapter().get(path, (_request: unknown, reply: FastifyReply) => {
    // Kept as text: writing it out takes milliseconds, in which nobody else is served.
    text ??= JSON.stringify(make());
    void reply.type('application/json').send(text);
  });
}
