import type { Socket } from 'node:net';
import { beginJourney } from '@banyan/telemetry';
import { problemBody, problems, type ProblemCode } from './problem';

const LINGER_MS = 1_000;

/** What was wrong, by the error with which Node's parser gave up. */
function problemOnSocket(error: NodeJS.ErrnoException): [ProblemCode, string] {
  switch (error.code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return ['request-timeout', 'The request took too long to arrive.'];
    case 'HPE_HEADER_OVERFLOW':
      return ['headers-too-large', 'The headers are larger than this server takes.'];
    default:
      return ['malformed-request', 'The request is not valid HTTP.'];
  }
}

/** Answers what is not even HTTP, or takes too long to become so, and closes the connection. */
export function refuseOnSocket(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const [code, message] = problemOnSocket(error);
  const status = problems[code];
  const body = JSON.stringify(problemBody({ code, status, message }, '/'));
  const head = [
    `HTTP/1.1 ${status} ${code}`,
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-Correlation-ID: ${beginJourney().correlationId}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
  // Time to read the answer; a client that goes on sending regardless would keep the connection half open for ever.
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
}
