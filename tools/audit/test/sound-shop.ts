import 'reflect-metadata';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import { loadSettings } from '@banyan/config';
import { createHttpApp } from '@banyan/http';
import { connectBus } from '@banyan/messaging';
import { Client } from 'pg';
import { modules } from '../../../apps/monolith/src/modules';
import { Books } from '../../../apps/payment-provider/src/books';
import { createProvider } from '../../../apps/payment-provider/src/server';
import { freshDatabase } from '../../../test/database/database';
import { moduleData } from '../../db/modules';
import type { Session } from '../../shop-client/session';
import { Shop } from '../../shop-client/shop';
import { violationsIn } from '../audit';
import type { Violation } from '../check';
import { bigintsAsNumbers, ModuleView } from '../module-view';
import { ProviderBooks } from '../provider-books';

const ADMIN = { email: 'admin@audit.example', password: 'the audit sees it all' };
const MODULES = moduleData.map(({ module }) => module);
const SOON_MS = 20_000;
const WITHOUT_TRIGGERS = 'SET session_replication_role = replica;';

/** The orders of the sound shop by what became of them: their ids. */
export interface Orders {
  /** Three pots and a cup, confirmed. */
  confirmed: string;
  /** Confirmed, a part of it refunded by an admin, and one cup counted in again. */
  refunded: string;
  /** Confirmed, one of two cups counted in again, then cancelled by the customer. */
  cancelled: string;
  /** Cancelled, because the card was declined. */
  declined: string;
  /** Cancelled, because there were not enough pots. */
  short: string;
}

/** A small shop at rest in which everything is right, to be spoilt and looked at. */
export interface SoundShop {
  orders: Orders;
  databases: Map<string, string>;
  providerUrl: string;
  /** Runs statements as the superuser, without triggers and foreign keys, and for good. */
  change(sql: string): Promise<void>;
  /**
   * What the audit sees after these statements on the databases, and these on the provider's books. Both see no
   * constraints that can be switched off; nothing of either is left afterwards.
   */
  violationsAfter(sql: string, booksSql?: string): Promise<Violation[]>;
  close(): Promise<void>;
}

/** Opens the real shop on a database of its own, lets customers come and go, and closes it again. */
export async function soundShop(): Promise<SoundShop> {
  const database = await freshDatabase();
  const folder = mkdtempSync(join(tmpdir(), 'banyan-audit-'));
  const provider = await serveBooks(folder);
  const orders = await trade(database.url, provider.url);
  return {
    orders,
    databases: new Map(MODULES.map((module) => [module, database.url])),
    providerUrl: provider.url,
    change: (sql) => withClient(database.url, async (client) => void (await client.query(WITHOUT_TRIGGERS + sql))),
    violationsAfter: (sql, booksSql) =>
      withClient(database.url, async (client) => {
        const theirs = booksSql === undefined ? provider : await copyOfBooks(folder, booksSql);
        const books = await ProviderBooks.read(theirs.url);
        // Never committed: a copy of the database for each test would take longer than all the rest of it.
        await client.query(`BEGIN; ${WITHOUT_TRIGGERS} ${sql}`);
        const violations: Violation[] = [];
        for await (const violation of violationsIn({ modules: viewsThrough(client), books }))
          violations.push(violation);
        books.close();
        if (theirs !== provider) theirs.close();
        return violations;
      }),
    close: async () => {
      provider.close();
      rmSync(folder, { recursive: true });
      await database.drop();
    },
  };
}

/** Every module seen through one session, so that all of them see what it has not committed. */
function viewsThrough(client: Client): Map<string, ModuleView> {
  const sessionOf = (module: string) => ({
    query: (sql: string, values: unknown[]) => {
      void client.query(`SET LOCAL search_path = ${module}`);
      return client.query(sql, values);
    },
  });
  return new Map(MODULES.map((module) => [module, new ModuleView(module, sessionOf(module) as never, true)]));
}

async function trade(databaseUrl: string, providerUrl: string): Promise<Orders> {
  const settings = loadSettings({
    NODE_ENV: 'test',
    DATABASE_URL: databaseUrl,
    PAYMENT_PROVIDER_URL: providerUrl,
    ADMIN_EMAIL: ADMIN.email,
    ADMIN_PASSWORD: ADMIN.password,
    LOG_LEVEL: 'silent',
  });
  const app = await createHttpApp(settings, modules);
  connectBus(app);
  await app.init();
  await app.startAllMicroservices();
  await app.listen(0, '127.0.0.1');
  const shop = new Shop(await app.getUrl());
  try {
    const admin = await shop.signIn(ADMIN);
    const price = { amount: 1250, currency: 'GBP' };
    const pot = await admin.listProduct({ sku: 'POT', name: 'Pot', price, stock: 10 }, 'pot');
    const cup = await admin.listProduct({ sku: 'CUP', name: 'Cup', price, stock: 10 }, 'cup');
    const ada = await shop.register({ email: 'ada@audit.example', password: 'drinks her tea alone' }, 'Ada');
    const place = async (key: string, token: string, pots: number, cups: number) => {
      const items = [
        { productId: pot.id, quantity: pots },
        { productId: cup.id, quantity: cups },
      ].filter(({ quantity }) => quantity > 0);
      const { id } = await ada.placeOrder({ items, payment: { token } }, key);
      await becomes(ada, id, ['confirmed', 'cancelled']);
      return id;
    };

    const confirmed = await place('confirmed', 'tok_approved', 3, 1);
    const refunded = await place('refunded', 'tok_approved', 0, 2);
    const cancelled = await place('cancelled', 'tok_approved', 1, 2);
    const declined = await place('declined', 'tok_declined', 1, 1);
    const short = await place('short', 'tok_approved', 100, 1);

    const payment = await ada.paymentOf(refunded);
    await admin.refund(payment!.id, price, 'refund');
    await admin.adjustStock(cup.id, { delta: 1, reason: 'came back', orderId: refunded }, 'restock-1');
    await admin.adjustStock(cup.id, { delta: 1, reason: 'came back', orderId: cancelled }, 'restock-2');
    await ada.cancelOrder(cancelled, 'thought better of it', 'cancel');
    await becomes(ada, cancelled, ['cancelled']);
    await settled(databaseUrl);
    return { confirmed, refunded, cancelled, declined, short };
  } finally {
    await shop.close();
    await app.close();
  }
}

async function becomes(customer: Session, orderId: string, ends: string[]): Promise<void> {
  await until(async () => ends.includes((await customer.order(orderId)).status));
}

/** Nothing is open any more, and the refund's message has been heard. */
async function settled(url: string): Promise<void> {
  await withClient(url, (client) =>
    until(async () => {
      const { rows } = await client.query<{ quiet: boolean }>(
        `SELECT NOT EXISTS (SELECT FROM orders.process WHERE ended_at IS NULL)
            AND NOT EXISTS (SELECT FROM payments.refund WHERE status = 'pending')
            AND (SELECT sum(last_sequence) FROM payments.stream WHERE topic = 'payments.events') =
                (SELECT sum(last_sequence) FROM orders.stream_memory WHERE topic = 'payments.events') AS quiet`,
      );
      return rows[0]!.quiet;
    }),
  );
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const giveUpAt = Date.now() + SOON_MS;
  while (!(await condition())) {
    if (Date.now() > giveUpAt) throw new Error(`It is not so after ${SOON_MS} ms: ${condition}`);
    await pause(20);
  }
}

interface Served {
  url: string;
  close(): void;
}

async function serveBooks(folder: string): Promise<Served> {
  const books = new Books(folder);
  const server = createProvider(books);
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.close();
      server.closeAllConnections();
      books.close();
    },
  };
}

async function copyOfBooks(folder: string, sql: string): Promise<Served> {
  const copy = mkdtempSync(join(tmpdir(), 'banyan-audit-'));
  cpSync(folder, copy, { recursive: true });
  const file = new DatabaseSync(join(copy, 'books.sqlite'));
  file.exec(`PRAGMA ignore_check_constraints = ON; ${sql}`);
  file.close();
  const served = await serveBooks(copy);
  return {
    url: served.url,
    close: () => {
      served.close();
      rmSync(copy, { recursive: true });
    },
  };
}

async function withClient<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url, types: bigintsAsNumbers });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
