import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { SwaggerModule } from '@nestjs/swagger';
import type { Settings } from '@banyan/config';
import type { FastifyReply } from 'fastify';
import { asyncApiDocument } from './asyncapi';
import { openApiDocument, type Documents } from './openapi';

/** Serves /openapi.json, /docs and /asyncapi.json; each document is made when it is first asked for. */
export function serveDocuments(app: NestFastifyApplication, documents: Documents, settings: Settings): void {
  const { title = 'Banyan', version = '1' } = documents;
  SwaggerModule.setup('docs', app, () => openApiDocument(app, documents, settings), {
    jsonDocumentUrl: 'openapi.json',
    raw: ['json'],
    customSiteTitle: title,
  });
  let asyncApi: string | undefined;
  app.getHttpAdapter().get('/asyncapi.json', (_request: unknown, reply: FastifyReply) => {
    asyncApi ??= JSON.stringify(asyncApiDocument(app, { title, version }));
    void reply.type('application/json').send(asyncApi);
  });
}
