import 'reflect-metadata';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { loadSettings } from '@banyan/config';
import { Bus, type Outgoing } from '@banyan/messaging';
import { Database } from '@banyan/persistence';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { Client } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { ProviderProcess } from '../../../apps/payment-provider/test/provider-process';
import { freshDatabase } from '../../../test/database/database';
import { CancelPayment } from '../src/cancel-payment';
import { CapturePayment } from '../src/capture-payment';
import type { ShownPayment } from '../src/shown-payment';
import { capturePayment, RestOfTheShop, signingKeyPublished, startShop } from './rest-of-the-shop';

const repository = join(__dirname, '../../..');
const PATIENCE_MS = 20_000;
/** Short, so that an answer that never comes is soon given up. */
const PROVIDER_TIMEOUT_MS = 400;

export const pounds = (amount: number) => ({ amount, currency: 'GBP' });

/** A line of the provider's books. */
export interface Line {
  kind: 'capture' | 'refund';
  key: string;
  captureKey?: string;
  outcome: string;
  amount: number;
  refunded: number;
}

/** An announcement of payments, as its log keeps it; the type without module and version. */
export interface Told {
  type: string;
  data: Record<string, unknown>;
}

interface Call {
  user?: string;
  role?: 'customer' | 'admin';
  body?: object | undefined;
  key?: string | null;
}

export type Setup = Awaited<ReturnType<typeof setup>>;

/**
 * Payments on a database of its own, with a provider process of its own. `hosted: false` leaves payments to processes
 * that are started with `startProcess`, and only sends to them.
 */
export async function setup({ hosted = true } = {}) {
  const fresh = await freshDatabase();
  const provider = new ProviderProcess();
  await provider.start();
  const env = {
    NODE_ENV: 'test',
    DATABASE_URL: fresh.url,
    PAYMENT_PROVIDER_URL: provider.url,
    PAYMENT_PROVIDER_TIMEOUT_MS: String(PROVIDER_TIMEOUT_MS),
    DATABASE_POOL_SIZE: '5',
    LOG_LEVEL: 'silent',
  };
  const settings = loadSettings(env);
  const app = await startShop(settings, { onTheBus: hosted });
  const apps: NestFastifyApplication[] = [app];
  const processes: ChildProcess[] = [];
  const bus = app.get(Bus, { strict: false });
  const shop = app.get(RestOfTheShop, { strict: false });
  const payments: Database = bus.members.get('payments')!.database;
  const admin = uuidv7();

  const signingKey = await generateKeyPair('ES256');
  const kid = uuidv7();
  const [notBefore, expiresAt] = [0, 3_600_000].map((ms) => new Date(Date.now() + ms).toISOString());
  await send(
    signingKeyPublished({
      kid,
      publicKey: { ...(await exportJWK(signingKey.publicKey)) },
      notBefore: notBefore!,
      expiresAt: expiresAt!,
    }),
  );

  async function send(...messages: Outgoing[]): Promise<void> {
    await shop.database.transaction((tx) => shop.outbox.publish(tx, messages));
  }

  /** Asks for the capture of 25.50 GBP; answers the order's id. */
  async function capture(paymentToken: string, { order = uuidv7(), customer = uuidv7() } = {}): Promise<string> {
    await send(capturePayment({ orderId: order, customerId: customer, total: pounds(2550), paymentToken }));
    return order;
  }

  /** Hands every command about an order to its handler once more, as a replay does. */
  async function hearAgain(order: string): Promise<void> {
    const sent = await shop.database.query<{ id: string; type: string; data: string; correlationId: string }>(
      `SELECT id, type, data, correlation_id AS "correlationId" FROM outbox WHERE key = $1 ORDER BY sequence`,
      [order],
    );
    for (const { data, ...attributes } of sent) {
      const handler = app.get<CapturePayment | CancelPayment>(
        attributes.type === capturePayment.type ? CapturePayment : CancelPayment,
        { strict: false },
      );
      const message = { ...attributes, data: JSON.parse(data) as unknown };
      await payments.transaction((tx) => handler.handle([message as never], { tx }));
    }
  }

  /** A payment that has been captured. */
  async function captured() {
    const customer = uuidv7();
    const order = await capture('tok_approved', { customer });
    await tellsOf(order, ['payment-captured']);
    return { ...(await paymentOf(order)), customer };
  }

  /** What payments has announced of an order until now. */
  async function toldOf(order: string): Promise<Told[]> {
    const rows = await payments.query<{ type: string; data: string }>(
      `SELECT type, data FROM outbox WHERE key = $1 ORDER BY sequence`,
      [order],
    );
    return rows.map(({ type, data }) => ({
      type: type.replace(/^payments\.|\.v1$/g, ''),
      data: JSON.parse(data) as Record<string, unknown>,
    }));
  }

  /** Waits for as many announcements about an order as are expected, and checks that they are these, in this order. */
  async function tellsOf(order: string, types: string[]): Promise<Told[]> {
    await until(async () => (await toldOf(order)).length >= types.length);
    const told = await toldOf(order);
    expect(told.map(({ type }) => type)).toEqual(types);
    return told;
  }

  async function call(
    method: 'GET' | 'POST',
    path: string,
    { user = uuidv7(), role = 'customer', body, key }: Call = {},
  ) {
    const { issuer, audience } = settings.tokens;
    const token = await new SignJWT({ roles: [role] })
      .setProtectedHeader({ alg: 'ES256', kid })
      .setSubject(user)
      .setIssuer(issuer)
      .setAudience(audience)
      .setIssuedAt()
      .setExpirationTime('5m')
      .sign(signingKey.privateKey);
    return app.inject({
      method,
      url: `/api/v1${path}`,
      headers: { authorization: `Bearer ${token}`, ...(key && { 'idempotency-key': key }) },
      ...(body && { payload: body }),
    });
  }

  /** Whether payments is ready, and what it says of the provider. */
  async function health() {
    const ready = await app.inject('/health/ready');
    const { details } = ready.json<{ details: Record<string, { status: string }> }>();
    return { statusCode: ready.statusCode, provider: details['payment-provider']?.status };
  }

  async function paymentsOf(order: string): Promise<ShownPayment[]> {
    const answer = await call('GET', `/payments?orderId=${order}`, { user: admin, role: 'admin' });
    expect(answer.statusCode).toBe(200);
    return answer.json<{ items: ShownPayment[] }>().items;
  }

  async function paymentOf(order: string): Promise<ShownPayment> {
    const [payment] = await paymentsOf(order);
    return payment!;
  }

  /** Asks for a refund as an admin, always the same one. */
  function refund(paymentId: string, body?: object, key: string | null = uuidv7()) {
    return call('POST', `/payments/${paymentId}/refunds`, { user: admin, role: 'admin', body, key });
  }

  /** What the provider's own books say of a payment: its capture, then its refunds. */
  async function booksOf(paymentId: string): Promise<Line[]> {
    const books = await fetch(`${provider.url}/books?limit=10000`);
    const { lines } = (await books.json()) as { lines: Line[] };
    return lines.filter(({ key, captureKey }) => key === paymentId || captureKey === paymentId);
  }

  /** Another instance on the same database; unlike the first it is not on the bus. */
  async function startAnother(): Promise<void> {
    apps.push(await startShop(settings, { onTheBus: false }));
  }

  /** The shop as a process of its own, which is killed where `failpoints` says. Answers it once it has started or ended. */
  async function startProcess(failpoints?: string): Promise<ChildProcess> {
    const child = fork(join(__dirname, 'shop-process.ts'), {
      execArgv: ['--require', join(repository, 'test/run-from-source.cjs')],
      env: { ...process.env, ...env, ...(failpoints && { FAILPOINTS: failpoints }) },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    processes.push(child);
    await Promise.race([once(child, 'message'), once(child, 'exit')]);
    return child;
  }

  /** Ends every instance in this process, and reads what they have left. */
  async function leave(sql: string): Promise<unknown[]> {
    for (const one of apps.splice(0)) await one.close();
    const client = new Client({ connectionString: fresh.url });
    await client.connect();
    try {
      return (await client.query(sql)).rows;
    } finally {
      await client.end();
    }
  }

  async function close(): Promise<void> {
    for (const child of processes) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    for (const one of apps) await one.close();
    await provider.remove();
    await fresh.drop();
  }

  return {
    booksOf,
    call,
    capture,
    captured,
    close,
    /** Resolves once payments has handled everything that was sent to it. */
    hearAgain,
    handledAll: () => bus.caughtUp('payments'),
    health,
    leave,
    paymentOf,
    paymentsOf,
    payments,
    provider,
    refund,
    send,
    startAnother,
    startProcess,
    tellsOf,
    toldOf,
  };
}

/** Waits until it is so; fails after a while. */
export async function until<T>(isSo: () => T | Promise<T>): Promise<T> {
  for (const deadline = Date.now() + PATIENCE_MS; ; await pause(10)) {
    const answer = await isSo();
    if (answer) return answer;
    if (Date.now() > deadline) throw new Error(`Still not so after ${PATIENCE_MS} ms: ${isSo}`);
  }
}
