/**
 * REF-H, a program of the bench: `POST /orders` on node:http and pg, with the SQL of the product, grouped as the product
 * groups it, and nothing else: whoever asks is believed.
 */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { grouped } from '@banyan/persistence';
import { Pool } from 'pg';
import { answerQuestions } from '../answering';
import { place, productsOf, write, type BareOrder } from './placing';
import { sessionOn } from './session';

const pool = new Pool({ ...sessionOn(process.env['DATABASE_URL'] as string, 'orders'), max: 10 });
const together = { limit: 64, inFlight: 2 };

const findProducts = grouped<readonly string[], Awaited<ReturnType<typeof productsOf>>>({
  ...together,
  flush: async (asked) => {
    const products = await productsOf(pool, asked.flat());
    return asked.map(() => products);
  },
});
const store = grouped<BareOrder, void>({
  ...together,
  flush: async (orders) => {
    await place(pool, orders);
    return orders.map(() => undefined);
  },
});

const server = createServer((request, response) => {
  answer(request).then(
    (body) => response.writeHead(201, { 'content-type': 'application/json' }).end(JSON.stringify(body)),
    (error: Error) => response.writeHead(500).end(error.message),
  );
});
server.keepAliveTimeout = 60_000;
const listening = new Promise<string>((resolve) =>
  server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)),
);
answerQuestions({ url: () => listening });

async function answer(request: IncomingMessage): Promise<object> {
  const { items, payment } = JSON.parse(await bodyOf(request));
  const products = await findProducts(items.map(({ productId }: { productId: string }) => productId));
  const { headers } = request;
  const customerId = headers['x-customer'] as string;
  const order = write({ customerId, key: headers['idempotency-key'] as string, items, token: payment.token }, products);
  await store(order);
  const { id, items: priced, total, placedAt } = order;
  return { id, customerId, status: 'pending', items: priced, total, placedAt, updatedAt: placedAt };
}

function bodyOf(request: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => resolve(Buffer.concat(chunks).toString()));
    request.on('error', reject);
  });
}
