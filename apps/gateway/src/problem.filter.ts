import { Catch, HttpException, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { Problem, problemBody } from '@banyan/problem';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** Answers what goes wrong in the gateway's own house as a problem. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger('gateway');

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const problem = problemOf(error);
    if (problem.status === 500) this.logger.error({ err: error, msg: 'Answered 500.' });
    const [path = '/'] = request.url.split('?', 1);
    void http
      .getResponse<FastifyReply>()
      .code(problem.status)
      .headers(problem.headers)
      .type('application/problem+json')
      .send(JSON.stringify(problemBody(problem, path)));
  }
}

function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const status = error instanceof HttpException ? error.getStatus() : (error as { statusCode?: unknown })?.statusCode;
  switch (status) {
    case 400:
      return new Problem('malformed-request', 'The request is malformed.');
    case 404:
      return new Problem('route-not-found', 'There is nothing at this path.');
    case 413:
      return new Problem('body-too-large', 'The body is larger than this server takes.');
    case 415:
      return new Problem('unsupported-media-type', 'The body must be JSON or YAML.');
    default:
      return new Problem('internal-error', 'Something went wrong on our side.');
  }
}
