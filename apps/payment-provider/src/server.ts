import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { type Books, type CaptureRequest, Refusal } from './books';
import { behaviours } from './tokens';

const captureRequest = z.strictObject({
  amount: z.int().positive(),
  currency: z.string().regex(/^[A-Z]{3}$/),
  token: z.string().max(100),
});
const refundRequest = z.strictObject({ captureKey: z.string().max(100), amount: z.int().positive() });
const booksQuery = z.object({
  after: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(10_000).default(1_000),
});

const LARGEST_BODY = 16 * 1024;
const PATH = /^\/(captures|refunds)\/([\w-]{1,100})(\/void)?$/;
// Nobody is answered after that long, but neither is a connection kept for ever.
const LONGEST_WAIT_MS = 10 * 60_000;

type Answer = { status: number; body: unknown } | 'never';

/** The provider's HTTP API over its books; README.md describes it call by call. */
export function createProvider(books: Books): Server {
  const server = createServer((request, response) => {
    answer(books, request)
      .catch(failureOf)
      .then((given) => given !== 'never' && send(response, given))
      .catch(() => response.destroy());
  });
  server.keepAliveTimeout = 60_000;
  server.timeout = LONGEST_WAIT_MS;
  return server;
}

async function answer(books: Books, request: IncomingMessage): Promise<Answer> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://provider');
  if (request.method === 'GET' && pathname === '/books') {
    const { after, limit } = understood(booksQuery, Object.fromEntries(searchParams));
    const lines = books.page(after, limit);
    return ok({ lines, next: lines.length < limit ? null : lines.at(-1)!.position });
  }
  const [, kind, key = '', isVoid] = PATH.exec(pathname) ?? [];
  switch (`${request.method} ${kind}${isVoid ?? ''}`) {
    case 'PUT captures':
      return capture(books, key, understood(captureRequest, await bodyOf(request)));
    case 'GET captures':
      return found(books.captureBy(key));
    case 'POST captures/void':
      return ok(await books.void(key));
    case 'PUT refunds':
      return ok(await books.refund(key, understood(refundRequest, await bodyOf(request))));
    case 'GET refunds':
      return found(books.refundBy(key));
    default:
      throw new Refusal(404, 'no-such-call', 'There is no such call.');
  }
}

async function capture(books: Books, key: string, request: CaptureRequest): Promise<Answer> {
  const captured = await books.capture(key, request);
  if ('failure' in captured) {
    // Two ways to fail, so that callers cannot get used to one.
    return {
      status: captured.failure % 2 ? 500 : 503,
      body: { error: 'provider-failed', message: 'Nothing was charged.' },
    };
  }
  if (captured.outcome === 'voided') return ok(captured);
  const answersAfter = behaviours.get(request.token)?.answersAfter ?? 0;
  if (answersAfter === 'never') return 'never';
  // A repeated request waits for the same moment as the first, and not at all once that is past.
  const wait = Date.parse(captured.at) + answersAfter - Date.now();
  if (wait > 0) await pause(wait);
  return ok(captured);
}

const ok = (body: unknown): Answer => ({ status: 200, body });

function found(entry: unknown): Answer {
  if (entry === undefined) throw new Refusal(404, 'not-found', 'Nothing was done under this key.');
  return ok(entry);
}

function understood<T>(schema: z.ZodType<T>, value: unknown): T {
  const { success, data, error } = schema.safeParse(value);
  if (success) return data;
  throw new Refusal(400, 'malformed', z.prettifyError(error));
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > LARGEST_BODY) throw new Refusal(413, 'too-large', `A body may have ${LARGEST_BODY} bytes.`);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    throw new Refusal(400, 'malformed', 'The body is not JSON.');
  }
}

function failureOf(error: unknown): Answer {
  if (error instanceof Refusal) {
    return { status: error.status, body: { error: error.code, message: error.message } };
  }
  console.error(error);
  return { status: 500, body: { error: 'provider-failed', message: 'The outcome is unknown; ask for it by its key.' } };
}

function send(response: ServerResponse, { status, body }: Exclude<Answer, 'never'>): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  response.end(text);
}
