import type { ServerResponse } from 'node:http';
import { problemBody, type Problem } from '@banyan/problem';

/** Answers a request with a problem, as the apps behind us would. */
export function answerProblem(
  response: ServerResponse,
  problem: Problem,
  { url, correlationId, close }: { url: string; correlationId: string; close: boolean },
): void {
  const [instance = '/'] = url.split('?', 1);
  const body = JSON.stringify(problemBody(problem, instance));
  const headers = [
    'content-type',
    'application/problem+json; charset=utf-8',
    'content-length',
    String(Buffer.byteLength(body)),
    'x-correlation-id',
    correlationId,
    ...Object.entries(problem.headers).flat(),
  ];
  if (close) headers.push('connection', 'close');
  response.writeHead(problem.status, headers).end(body);
}
