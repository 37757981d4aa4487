import { Catch, HttpException, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { isContention, isDatabaseAway } from '@banyan/persistence';
import { Problem, problemBody, type FieldError } from '@banyan/problem';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { idempotencyRefusals } from './idempotency-errors';
import type { CodedError, CodedErrorClass, Route } from './route';

declare module 'fastify' {
  interface FastifyContextConfig {
    route?: Route;
  }
}

// Of what passes by itself, everybody is told when to come again.
const SHORTLY = { 'Retry-After': '1' };

/** Answers every error as a problem. What no route declared is logged, and answered as a 500 that tells nothing. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger('http');

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    const refusal = refusalOf(error, request.routeOptions.config.route);
    if (refusal) {
      if (refusal.status === 503) reply.headers(SHORTLY);
      sendProblem(reply, request, refusal);
      return;
    }
    const problem = problemOf(error);
    if (problem.status >= 500) this.logger.error({ err: error, msg: `Answered ${problem.status}.` });
    for (const [name, value] of Object.entries(problem.headers)) reply.header(name, value);
    sendProblem(reply, request, problem);
  }
}

/** Sends a problem as the answer. */
export function sendProblem(
  reply: FastifyReply,
  request: FastifyRequest,
  problem: { code: string; status: number; message: string; errors?: readonly FieldError[] | undefined },
): void {
  const [path = '/'] = request.url.split('?', 1);
  void reply
    .code(problem.status)
    .type('application/problem+json')
    .send(JSON.stringify(problemBody(problem, path)));
}

function refusalOf(error: unknown, route: Route | undefined) {
  if (!(error instanceof Error)) return undefined;
  const kind = error.constructor;
  const status = route?.refusals.get(kind as CodedErrorClass) ?? idempotencyRefusals.get(kind as never);
  if (status === undefined) return undefined;
  const { code, message, errors } = error as CodedError & { errors?: readonly FieldError[] };
  return { code, message, status, errors };
}

/** The problem that an error amounts to which no route declares. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const status = error instanceof HttpException ? error.getStatus() : (error as { statusCode?: unknown })?.statusCode;
  // What Fastify gave a status is about the client, whose connection may be reset just like the database's.
  if (status === undefined && (isDatabaseAway(error) || isContention(error))) {
    return new Problem('unavailable', 'The service is not available at the moment; try again shortly.', {
      headers: SHORTLY,
    });
  }
  switch (status) {
    case 400:
    case 414:
      return new Problem('malformed-request', 'The request is malformed.');
    case 404:
      return new Problem('route-not-found', 'There is nothing at this path.');
    case 408:
      return new Problem('request-timeout', 'The request took too long to arrive.');
    case 413:
      return new Problem('body-too-large', 'The body is larger than this server takes.');
    case 415:
      return new Problem('unsupported-media-type', 'The body must be application/json.');
    case 429:
      return new Problem('too-many-requests', 'Too many requests; wait as long as Retry-After says.');
    case 503:
      return new Problem('unavailable', 'The service is not available at the moment; try again shortly.', {
        headers: SHORTLY,
      });
    default:
      return new Problem('internal-error', 'Something went wrong on our side.');
  }
}
