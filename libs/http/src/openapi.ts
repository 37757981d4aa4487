import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import type { Settings } from '@banyan/config';
import { problemBody, problems, type ProblemCode } from '@banyan/problem';
import { z } from 'zod';
import { byKey } from './by-key';
import { idempotencyRefusals } from './idempotency-errors';
import { operationName } from './operation-name';
import type { CodedErrorClass, Route } from './route';
import { Routes } from './routes';
import { problemSchema } from './schemas';

/** What an app tells of itself. */
export interface Documents {
  title?: string;
  description?: string;
  version?: string;
}

type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;
const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const;

/** The OpenAPI 3.1 document of an app: what the controllers declare, and what every route can be refused with besides. */
export function openApiDocument(
  app: NestFastifyApplication,
  { title = 'Banyan', description = '', version = '1' }: Documents,
  { limits }: Pick<Settings, 'limits'>,
): OpenAPIObject {
  const config = new DocumentBuilder()
    .setTitle(title)
    .setDescription(description)
    .setVersion(version)
    .setOpenAPIVersion('3.1.0')
    .addBearerAuth({ type: 'http', scheme: 'bearer', bearerFormat: 'JWT' }, 'accessToken')
    .build();
  const document = SwaggerModule.createDocument(app, config, {
    operationIdFactory: operationName,
    standardSchemaConverter: toOpenApiSchema,
  });
  const schemas = ((document.components ??= {}).schemas ??= {}) as Record<string, unknown>;
  Object.assign(schemas, toOpenApiSchema(problemSchema, { schemaType: 'output' }).components);
  const routes = app.get(Routes).byOperation;
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const method of METHODS) {
      const operation = methods[method];
      const route = routes.get(operation?.operationId ?? '');
      if (!operation || !route) continue;
      declare(operation, route, path, limits.requestsPerMinute !== null);
      if (operation.requestBody) tellWhetherRequired(operation.requestBody, schemas);
    }
  }
  // In one order whatever the order of the modules, so that a gateway can put the documents of several apps together again.
  document.paths = byKey(document.paths);
  document.components.schemas = byKey(schemas) as NonNullable<typeof document.components.schemas>;
  return document;
}

function declare(operation: Operation, route: Route, path: string, limited: boolean): void {
  // With the role that it is for, which OpenAPI 3.1 has room for here; none where any signed-in caller will do.
  const { audience = 'anyone' } = route;
  if (audience !== 'anyone') operation.security = [{ accessToken: audience === 'user' ? [] : [audience] }];
  if (route.idempotencyKey) {
    (operation.parameters ??= []).push({
      name: 'Idempotency-Key',
      in: 'header',
      required: route.idempotencyKey === 'required',
      description: 'Makes repeating the request safe: it takes effect once per caller and key.',
      schema: { type: 'string', maxLength: 255 },
    });
  }
  for (const [status, codes] of refusalsOf(route, limited)) {
    operation.responses[status] = {
      description: [...codes].map((code) => `\`${code}\``).join(', '),
      content: {
        'application/problem+json': {
          schema: { $ref: '#/components/schemas/Problem' },
          examples: Object.fromEntries(
            [...codes].map((code) => [code, { value: problemBody({ code, status, message: '…' }, path) }]),
          ),
        },
      },
    };
  }
}

/** A body whose fields may all be left out may be left out itself. */
function tellWhetherRequired(body: NonNullable<Operation['requestBody']>, schemas: Record<string, unknown>): void {
  if ('$ref' in body) return;
  const schema = body.content['application/json']?.schema;
  const found = schema && '$ref' in schema ? schemas[schema.$ref.split('/').at(-1) as string] : schema;
  body.required = ((found as { required?: string[] } | undefined)?.required ?? []).length > 0;
}

function refusalsOf(route: Route, limited: boolean): Map<number, Set<string>> {
  const refusals = new Map<number, Set<string>>();
  const add = (status: number, code: string) =>
    refusals.set(status, (refusals.get(status) ?? new Set<string>()).add(code));
  const addProblems = (...codes: ProblemCode[]) => codes.forEach((code) => add(problems[code], code));

  addProblems('validation-failed', 'malformed-request', 'method-not-allowed', 'request-timeout', 'headers-too-large');
  addProblems('internal-error', 'unavailable');
  if (route.takesBody) addProblems('malformed-json', 'body-too-large', 'unsupported-media-type');
  if (route.audience !== 'anyone') addProblems('unauthenticated', 'invalid-token');
  if (route.audience === 'customer' || route.audience === 'admin') addProblems('forbidden');
  if (limited) addProblems('too-many-requests');
  if (route.idempotencyKey) {
    for (const [refusal, status] of idempotencyRefusals) {
      if (status !== 400 || route.idempotencyKey === 'required') add(status, codeOf(refusal));
    }
  }
  for (const [refusal, status] of route.refusals) add(status, codeOf(refusal));
  return new Map([...refusals].sort(([a], [b]) => a - b));
}

/** `SkuTaken` says `sku-taken`; a test holds every error class to it. */
function codeOf(refusal: CodedErrorClass): string {
  return refusal.name.replace(/(?!^)([A-Z])/g, '-$1').toLowerCase();
}

/** A zod schema as OpenAPI 3.1 takes it; schemas with an id become components. */
export function toOpenApiSchema(schema: unknown, { schemaType }: { schemaType: 'input' | 'output' }) {
  // Wrapped, since zod gives a reference only to schemas with an id that stand inside another.
  const wrapped = z.toJSONSchema(z.object({ it: schema as z.ZodType }), { target: 'draft-2020-12', io: schemaType });
  const components = Object.fromEntries(
    Object.entries(wrapped.$defs ?? {}).map(([id, { id: _, ...definition }]) => [id, definition]),
  );
  return { schema: wrapped.properties?.['it'], components };
}
