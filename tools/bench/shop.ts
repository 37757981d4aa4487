import { randomInt, randomUUID } from 'node:crypto';
import { request } from 'undici';
import { migrate, prepareDatabase } from '@banyan/persistence';
import { moduleData } from '../db/modules';
import { Connection } from '../shop-client/connection';
import { Session } from '../shop-client/session';
import { Shop as ShopClient } from '../shop-client/shop';
import { tokens } from '../shop-client/answers';
import { freePort, type House } from './house';
import type { Load } from './load/load';
import type { Program } from './program';

const PRODUCTS = 50;
const CUSTOMERS = 8;
const LINES_PER_ORDER = 2;
const STOCK = 1_000_000_000;
const PASSWORD = 'a password for the bench';
const ADMIN = { email: 'admin@bench.example', password: randomUUID() };

export interface Product {
  id: string;
  sku: string;
  name: string;
  price: { amount: number; currency: string };
}

/** A shop's database with its catalogue and customers, which references copy. */
export interface Stocked {
  database: string;
  providerUrl: string;
  products: readonly Product[];
}

/** Migrates a database, lists products with plenty of stock, and registers customers. */
export async function stock(house: House, database: string, providerUrl: string): Promise<Stocked> {
  const url = await house.createDatabase(database);
  for (const { module, migrations } of moduleData) {
    await prepareDatabase(module, url);
    await migrate(module, url, migrations);
  }
  const shop = await RunningShop.start(house, { database, providerUrl, products: [] });
  const client = new ShopClient(shop.url);
  try {
    const admin = await client.signIn(ADMIN);
    const products: Product[] = [];
    for (let n = 1; n <= PRODUCTS; n += 1) {
      const price = { amount: 100 + 10 * n, currency: 'GBP' };
      products.push(await admin.listProduct({ sku: `BENCH-${n}`, name: `Thing no. ${n}`, price, stock: STOCK }));
    }
    const customers: Session[] = [];
    for (let n = 0; n < CUSTOMERS; n += 1) {
      customers.push(await client.register(customer(n), `Customer ${n}`));
    }
    // Orders has heard of all of them once the last one can be ordered.
    const items = [{ productId: (products.at(-1) as Product).id, quantity: 1 }];
    await (customers[0] as Session).placeOrder({ items, payment: { token: 'tok_approved' } }, randomUUID());
    return { database, providerUrl, products };
  } finally {
    await client.close();
    await shop.stop();
  }
}

const customer = (n: number) => ({ email: `customer-${n}@bench.example`, password: PASSWORD });

const MODULES = ['users', 'orders', 'payments', 'inventory'] as const;

/** The product under measurement, as it runs in production. */
export class RunningShop {
  private constructor(
    private readonly house: House,
    private readonly stocked: Stocked,
    /** By app. */
    private readonly programs: Map<string, Program>,
    /** Where orders are placed, and where customers sign in. */
    readonly url: string,
    private readonly usersUrl: string,
    private readonly startAgain: ((app: string) => Promise<Program>) | undefined,
  ) {}

  /** In one process. `execArgv`: flags for its Node, such as those of a profile. */
  static async start(house: House, stocked: Stocked, execArgv: readonly string[] = []): Promise<RunningShop> {
    const port = await freePort();
    const program = await startApp(house, stocked, 'monolith', port, {}, execArgv);
    return new RunningShop(house, stocked, new Map([['monolith', program]]), urlOf(port), urlOf(port), undefined);
  }

  /** In a process per module, over Kafka. */
  static async startApart(house: House, stocked: Stocked, brokers: string): Promise<RunningShop> {
    const kafka = {
      EVENT_TRANSPORT: 'kafka',
      KAFKA_BROKERS: brokers,
      KAFKA_PREFIX: stocked.database,
      KAFKA_REPLICATION: '1',
    };
    const ports = new Map<string, number>();
    for (const module of MODULES) ports.set(module, await freePort());
    const portOf = (module: string) => ports.get(module) as number;
    const startModule = (module: string) => startApp(house, stocked, module, portOf(module), kafka);
    const started = await Promise.all(MODULES.map(async (module) => [module, await startModule(module)] as const));
    return new RunningShop(
      house,
      stocked,
      new Map(started),
      urlOf(portOf('orders')),
      urlOf(portOf('users')),
      startModule,
    );
  }

  get pids(): number[] {
    return [...this.programs.values()].map(({ pid }) => pid);
  }

  /** Of the only process, or the first. */
  get pid(): number {
    return this.program.pid;
  }

  get database(): string {
    return this.stocked.database;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.programs.values()].map((program) => program.stop()));
  }

  private get program(): Program {
    return [...this.programs.values()][0] as Program;
  }

  /** Requests of all customers, signed in afresh: tokens live ten minutes. `x-customer` is for those who check no tokens. */
  async requests(): Promise<Load['requests']> {
    const connection = new Connection(this.usersUrl);
    try {
      const signedIn = await Promise.all(Array.from({ length: CUSTOMERS }, (_, n) => this.signIn(connection, n)));
      return Array.from({ length: 64 }, (_, n) => {
        const { id, accessToken } = signedIn[n % CUSTOMERS] as (typeof signedIn)[number];
        const headers = { authorization: `Bearer ${accessToken}`, 'x-customer': id };
        return { headers, body: JSON.stringify({ items: this.lines(), payment: { token: 'tok_approved' } }) };
      });
    } finally {
      await connection.close();
    }
  }

  /** The public keys that its tokens can be checked with, as JSON. */
  async publicKeys(): Promise<string> {
    return (await request(`${this.usersUrl}/.well-known/jwks.json`)).body.text();
  }

  /**
   * Makes this shop leave the fulfilment of new orders to another instance, which does nothing until `release`: so the
   * request can be measured alone, and so that orders wait in the log until the clock is started. In a process per
   * module, inventory is not there for so long, and orders wait in Kafka.
   */
  async holdFulfilment(): Promise<HeldFulfilment> {
    const { startAgain, programs } = this;
    if (startAgain) {
      await programs.get('inventory')?.stop();
      return { release: async () => void programs.set('inventory', await startAgain('inventory')) };
    }
    const session = await this.house.connect(this.stocked.database);
    const presence = randomInt(1, 2 ** 47);
    await session.query('SELECT pg_advisory_lock($1)', [presence]);
    await session.query(
      `UPDATE inventory.subscription SET owner = $1, presence = $2, epoch = epoch + 1, lease_until = now() + interval '1 day'
       WHERE source = 'orders'`,
      [randomUUID(), presence],
    );
    return {
      release: async () => {
        await session.query(
          `UPDATE inventory.subscription SET lease_until = now() - interval '1 second' WHERE source = 'orders'`,
        );
        await session.end();
      },
    };
  }

  /** Resolves once every order has been confirmed and its fulfilment has ended. */
  async allFulfilled(): Promise<void> {
    const session = await this.house.connect(this.stocked.database);
    try {
      await this.program.until(async () => {
        const { rows } = await session.query(
          `SELECT EXISTS (SELECT FROM orders.process WHERE name = 'order-fulfilment' AND ended_at IS NULL) AS open`,
        );
        return rows[0].open === false;
      }, 100);
    } finally {
      await session.end();
    }
  }

  private async signIn(connection: Connection, n: number): Promise<{ id: string; accessToken: string }> {
    const { accessToken } = await connection.send({ method: 'POST', path: '/auth/token', body: customer(n) }, tokens);
    const [, claims = ''] = accessToken.split('.');
    return { id: JSON.parse(Buffer.from(claims, 'base64url').toString()).sub as string, accessToken };
  }

  private lines(): { productId: string; quantity: number }[] {
    const { products } = this.stocked;
    const first = randomInt(products.length);
    return Array.from({ length: LINES_PER_ORDER }, (_, n) => ({
      productId: (products[(first + 7 * n) % products.length] as Product).id,
      quantity: 1 + n,
    }));
  }
}

export interface HeldFulfilment {
  release(): Promise<void>;
}

async function startApp(
  house: House,
  stocked: Stocked,
  app: string,
  port: number,
  env: Record<string, string>,
  execArgv: readonly string[] = [],
): Promise<Program> {
  const program = house.startApp(`apps/${app}/src/main.js`, {
    execArgv,
    env: {
      NODE_ENV: 'production',
      HOST: '127.0.0.1',
      PORT: String(port),
      DATABASE_URL: house.urlOf(stocked.database),
      PAYMENT_PROVIDER_URL: stocked.providerUrl,
      SIGNING_KEY_SECRET: 'a secret that no other shop than the bench has',
      ADMIN_EMAIL: ADMIN.email,
      ADMIN_PASSWORD: ADMIN.password,
      LOG_LEVEL: 'warn',
      ...env,
    },
  });
  await program.until(() => isReady(urlOf(port)), 2);
  return program;
}

function urlOf(port: number): string {
  return `http://127.0.0.1:${port}`;
}

export async function isReady(url: string): Promise<boolean> {
  try {
    const { statusCode, body } = await request(`${url}/health/ready`);
    await body.dump();
    return statusCode === 200;
  } catch {
    return false;
  }
}
