/**
 * A program of the bench: an app for gateways to stand in front of, which says that it hosts the catalogue and answers
 * everything with the same page of it. It reads no more of a request than its end, so that next to nothing of what is
 * measured is its own.
 */
import { createServer, type AddressInfo } from 'node:net';
import { answerQuestions } from '../answering';

const PAGE = JSON.stringify({
  items: Array.from({ length: 4 }, (_, n) => ({
    id: `01a1fa02-6086-7690-8b2e-fef065ba789${n}`,
    sku: `TEA-${n}`,
    name: 'Tea, loose leaf, 125 g',
    price: { amount: 650 + n, currency: 'GBP' },
    available: 200,
    updatedAt: '2026-11-20T17:30:22.214Z',
  })),
  nextCursor: null,
});
const HOSTING = JSON.stringify({
  app: 'monolith',
  version: '1',
  modules: [{ module: 'inventory', prefixes: ['/api/v1/products'] }],
});

const answer = (body: string) =>
  `HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: ${body.length}\r\n` +
  `X-Correlation-ID: 01a1fa02-e789-700f-b551-69b2c84be67b\r\nDate: Fri, 20 Nov 2026 17:30:56 GMT\r\n\r\n${body}`;
const page = Buffer.from(answer(PAGE));
const hosting = Buffer.from(answer(HOSTING));

const server = createServer({ noDelay: true }, (socket) => {
  let held = '';
  socket.on('error', () => undefined);
  socket.on('data', (bytes) => {
    held += bytes.toString('latin1');
    for (let end = held.indexOf('\r\n\r\n'); end !== -1; end = held.indexOf('\r\n\r\n')) {
      socket.write(held.startsWith('GET /internal/') ? hosting : page);
      held = held.slice(end + 4);
    }
  });
});
const listening = new Promise<number>((resolve) =>
  server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)),
);
answerQuestions({ port: () => listening });
