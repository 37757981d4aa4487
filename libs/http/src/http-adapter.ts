import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { Settings } from '@banyan/config';
import { Problem, problems, refuseOnSocket, validationFailed } from '@banyan/problem';
import { beginJourney, inJourney, type Journey } from '@banyan/telemetry';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { sendProblem } from './problem.filter';
import { storableBody, refuseUnstorableText } from './text';

export const CORRELATION_HEADER = 'X-Correlation-ID';

declare module 'fastify' {
  interface FastifyRequest {
    journey: Journey;
  }
}

// Node itself ends a request line and headers beyond 16 KiB, so a path can hold no longer parameter.
const MOST_CHARACTERS_IN_A_PATH_PARAMETER = 16_384;

// Node looks for slow clients every half minute otherwise, and would let them stay for as long.
const LOOKS_FOR_SLOW_CLIENTS_EVERY_MS = 1_000;
// A client that does not read its answer is let go after this; no act takes nearly as long.
const LONGEST_SILENCE_MS = 60_000;

class Adapter extends FastifyAdapter {
  // Nest would replace Fastify's errors by exceptions of its own before the filter sees which they are.
  override mapException(error: unknown): unknown {
    return error;
  }
}

/** Fastify as api.md wants it: JSON only, problems for every refusal, each request on a journey. */
export function httpAdapter({ http }: Pick<Settings, 'http'>): FastifyAdapter {
  const adapter = new Adapter({
    bodyLimit: http.bodyLimitBytes,
    trustProxy: http.trustedProxies.length > 0 && [...http.trustedProxies],
    requestTimeout: http.requestTimeoutMs,
    connectionTimeout: LONGEST_SILENCE_MS,
    http: {
      requestTimeout: http.requestTimeoutMs,
      // Where it is the longer of the two, as by default, Node takes the one for the other.
      headersTimeout: http.requestTimeoutMs,
      connectionsCheckingInterval: Math.min(LOOKS_FOR_SLOW_CLIENTS_EVERY_MS, http.requestTimeoutMs),
      // Node would refuse it without a problem; see refuseNamelessHosts.
      requireHostHeader: false,
    },
    // Requests under way when the app stops are answered; new ones find the port closed.
    return503OnClosing: false,
    routerOptions: { maxParamLength: MOST_CHARACTERS_IN_A_PATH_PARAMETER },
    frameworkErrors: (_error: Error, request: FastifyRequest, reply: FastifyReply) => {
      // The router refuses such a path before any hook runs.
      reply.header(
        CORRELATION_HEADER,
        beginJourney({ correlationId: request.headers['x-correlation-id'] }).correlationId,
      );
      sendProblem(reply, request, new Problem('malformed-request', 'The path is malformed.'));
    },
    clientErrorHandler: refuseOnSocket,
  });
  const fastify = adapter.getInstance();
  // The two `any`-typed members of the request that Fastify wants declared before the first one arrives.
  fastify.decorateRequest('caller', null);
  fastify.decorateRequest('journey');
  fastify.addHook('onRequest', (request, reply, done) => {
    const { headers } = request;
    const { traceparent, tracestate } = headers;
    request.journey = beginJourney({ correlationId: headers['x-correlation-id'], traceparent, tracestate });
    reply.header(CORRELATION_HEADER, request.journey.correlationId);
    inJourney(request.journey, done);
  });
  refuseNamelessHosts(fastify);
  refuseUnknownRoutes(fastify);
  takeOnlyJson(fastify);
  refuseUndeclaredInput(fastify);
  letSendersFinish(fastify);
  return adapter;
}

/** HTTP/1.1 wants every request to name a host. */
function refuseNamelessHosts(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', ({ raw }, reply, done) => {
    if (raw.httpVersion !== '1.1' || raw.headers.host !== undefined) return done();
    reply.header('Connection', 'close');
    done(new Problem('malformed-request', 'The request names no host.'));
  });
}

function refuseUnknownRoutes(fastify: FastifyInstance): void {
  const known: { path: RegExp; method: string }[] = [];
  fastify.addHook('onRoute', ({ method, url }) => {
    const path = patternOf(url);
    for (const one of [method].flat()) known.push({ path, method: one });
  });
  fastify.addHook('onRequest', (request, _reply, done) => {
    const unknown = request.is404 || Object.values(request.params as Record<string, string>).includes('');
    if (!unknown) return done();
    const [path = '/'] = request.url.split('?', 1);
    const allowed = new Set(known.filter((route) => route.path.test(path)).map(({ method }) => method));
    if (allowed.size === 0 || allowed.has(request.method)) {
      return done(new Problem('route-not-found', 'There is nothing at this path.'));
    }
    const allow = [...allowed].sort().join(', ');
    done(new Problem('method-not-allowed', `This path takes ${allow}.`, { headers: { Allow: allow } }));
  });
}

function patternOf(url: string): RegExp {
  const escaped = url.replace(/[.+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replace(/:[^/]+/g, '[^/]+').replace(/\*/g, '.*')}$`);
}

function takeOnlyJson(fastify: FastifyInstance): void {
  const parse = fastify.getDefaultJsonParser('error', 'error');
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('application/json', { parseAs: 'string' }, (request, text: string, done) => {
    // An empty body is none: whether the call can do without is for its schema to say.
    if (text === '') return done(null, undefined);
    void parse(request, text, (error, body) => {
      if (error) return done(new Problem('malformed-json', 'The body is not valid JSON.'), undefined);
      try {
        done(null, storableBody(text, body));
      } catch (problem) {
        done(problem as Problem, undefined);
      }
    });
  });
}

function refuseUndeclaredInput(fastify: FastifyInstance): void {
  fastify.addHook('preValidation', (request, _reply, done) => {
    const { route } = request.routeOptions.config;
    const query = request.query as Record<string, unknown>;
    try {
      refuseUnstorableText(query);
      refuseUnstorableText(request.params);
      if (route && !route.takesQuery) refuseFields(query, 'Unknown query parameter.');
      if (route && !route.takesBody) refuseFields(request.body, 'This call takes no body.');
      done();
    } catch (error) {
      done(error as Error);
    }
  });
}

function refuseFields(value: unknown, message: string): void {
  if (value === undefined || value === null) return;
  const names = typeof value === 'object' ? Object.keys(value) : [''];
  if (names.length > 0) throw validationFailed(names.slice(0, 100).map((path) => ({ path, message })));
}

/**
 * Fastify would close the connection under a client that is still sending a body too large, and what the client sees then
 * is a broken pipe and no answer. Node reads what is left of it and keeps nothing; the request timeout ends it.
 */
function letSendersFinish(fastify: FastifyInstance): void {
  fastify.addHook('onSend', (_request, reply, payload, done) => {
    if (reply.statusCode === problems['body-too-large']) reply.removeHeader('Connection');
    done(null, payload);
  });
}
