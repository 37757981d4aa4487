/** A program of the bench: a payment provider that captures at once, with books in memory for the audit to read. */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answerQuestions } from '../answering';

interface Line {
  position: number;
  kind: 'capture';
  key: string;
  outcome: 'captured';
  reason: null;
  amount: number;
  currency: string;
  refunded: number;
  at: string;
}

const lines: Line[] = [];
const byKey = new Map<string, Line>();

const server = createServer((request, response) => {
  void answer(request).then((body) => {
    const text = JSON.stringify(body ?? { error: 'not-found', message: 'Nothing was done under this key.' });
    response.writeHead(body ? 200 : 404, { 'content-type': 'application/json' }).end(text);
  });
});
server.keepAliveTimeout = 60_000;
const listening = new Promise<string>((resolve) =>
  server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)),
);
answerQuestions({ url: () => listening });

async function answer(request: IncomingMessage): Promise<unknown> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://provider');
  if (pathname === '/books') {
    const after = Number(searchParams.get('after') ?? 0);
    const page = lines.slice(after, after + Number(searchParams.get('limit') ?? 1_000));
    return { lines: page, next: page.at(-1)?.position ?? null };
  }
  const key = pathname.slice('/captures/'.length);
  return request.method === 'PUT' ? capture(key, await bodyOf(request)) : byKey.get(key);
}

function capture(key: string, { amount, currency }: { amount: number; currency: string }): Line {
  let line = byKey.get(key);
  if (!line) {
    const position = lines.length + 1;
    const at = new Date().toISOString();
    line = { position, kind: 'capture', key, outcome: 'captured', reason: null, amount, currency, refunded: 0, at };
    lines.push(line);
    byKey.set(key, line);
  }
  return line;
}

async function bodyOf(request: IncomingMessage): Promise<{ amount: number; currency: string }> {
  let text = '';
  for await (const chunk of request) text += chunk;
  return JSON.parse(text);
}
