import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { anAdmin } from './shop/admin';
import { aCustomer, Customer, orderFor } from './shop/customer';
import { until } from './shop/eventually';
import { OneAddress } from './shop/one-address';
import type { Order } from './shop/order';
import type { Product } from './shop/product';
import { Invoices } from './shop/replay';
import { inAShopOfItsOwn, type RunningShop } from './shop/running-shop';

/** How long the shops are killed and stopped under each load, in minutes; 0.15 unless CHAOS_MINUTES says otherwise. */
const MINUTES = Number(process.env['CHAOS_MINUTES'] ?? 0.15);
/** `buyers` or `replay`; both, one after the other, unless CHAOS_LOAD says otherwise. */
const ONLY = process.env['CHAOS_LOAD'];
const CHAOS_MS = MINUTES * 60_000;
const LEASE_MS = 2_000;
const BUYERS = 3;
// Between two faults on an average, so that each meets a shop at work.
const ORDERS_BETWEEN = 10;
const REQUESTS_BETWEEN = 40;
const TOKENS = ['tok_approved', 'tok_approved', 'tok_declined', 'tok_approved'];
const ONE_OUTAGE_MS = 60_000;
// Killed at a bad moment, its transactions may keep the database waiting for as long as one may live.
const DRAIN_MS = 90_000;
// What was begun is played to its end.
const ONE_REPLAY_MS = 180_000;
const NO_ANSWER = ['UND_ERR_SOCKET', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE'];
const ENDED = ['confirmed', 'cancelled'];

const differently = { BUS_LEASE_MS: String(LEASE_MS), SIGNING_KEY_SECRET: randomBytes(32).toString('base64') };

inAShopOfItsOwn('in two shops on one database, one of them killed or stopped at any time', differently, (shop) => {
  let shops: readonly RunningShop[];
  beforeAll(async () => {
    shops = [shop(), await shop().openAnother()];
  });
  afterAll(() => shops[1]!.kill());

  /** One customer, at the door of each of the shops. */
  async function buyer(): Promise<Customer[]> {
    const { id, name, email, password, tokens } = await aCustomer({ shop: shops[0]! });
    return shops.map((one) => Object.assign(new Customer(one, id, name, email, password), { tokens }));
  }

  /** Asks at one door and, where nobody answers there, at the next with the same key: as whoever wants the order once. */
  async function places(atDoors: readonly Customer[], lantern: Product, number: number): Promise<Order> {
    const body = orderFor({ items: [[lantern, 1]], paysWith: TOKENS[number % TOKENS.length]! });
    const idempotencyKey = randomUUID();
    let door = number;
    const ask = async () => {
      const customer = atDoors[door++ % atDoors.length]!;
      try {
        const answer = await customer.calls('POST', '/orders', { body, idempotencyKey });
        if (answer.status === 401) await customer.signsIn(customer.email, customer.password);
        return answer.status === 201 && (answer.body as Order);
      } catch (error) {
        if (NO_ANSWER.includes((error as { code: string }).code)) return undefined;
        throw error;
      }
    };
    return until('one of the shops answers', ask, ONE_OUTAGE_MS);
  }

  const faults = {
    async kill(one: RunningShop) {
      await one.kill();
      await one.start();
    },
    async stop(one: RunningShop) {
      one.pause();
      // No condition to wait for: longer than its lease is what makes it a late owner.
      await delay(LEASE_MS + randomInt(500, 3_000));
      one.resume();
    },
  };

  /**
   * Kills and stops one or the other in turn while the work goes on: each kind once at least, and again whenever `done`
   * has grown by `between` or so. Answers what happened, in words.
   */
  async function amidFaults(work: Promise<unknown>, done: () => number, between: number): Promise<string> {
    let isOver = false;
    // What it fails with is for whoever awaits it.
    work.catch(() => undefined).finally(() => (isOver = true));
    const happened = { kill: 0, stop: 0 };
    for (let n = randomInt(2); !isOver || happened.kill === 0 || happened.stop === 0; n++) {
      const next = done() + randomInt(2 * between);
      await until('there is work', async () => isOver || done() >= next, ONE_OUTAGE_MS);
      const fault = n % 2 === 0 ? 'kill' : 'stop';
      await faults[fault](shops[randomInt(shops.length)]!);
      happened[fault] += 1;
    }
    return `${happened.kill} kills, ${happened.stop} stops`;
  }

  const say = (what: string) => process.stderr.write(`two shops on one database: ${what}\n`);
  // Whoever asks for one load, for many minutes, wants the other neither before nor after it.
  const under = (load: string) => (ONLY === undefined || ONLY === load ? test : test.skip);

  under('buyers')(
    'every order is taken once and ends',
    async () => {
      const lantern = await (await anAdmin(shop())).lists({ stock: 1_000_000 });
      const buyers = await Promise.all(Array.from({ length: BUYERS }, buyer));
      await buyers[0]![0]!.orders({ items: [[lantern, 1]] });

      const endsAt = Date.now() + CHAOS_MS;
      const placed = new Set<string>();
      const shopping = Promise.all(
        buyers.map(async (atDoors) => {
          for (let number = 0; Date.now() < endsAt; number++) placed.add((await places(atDoors, lantern, number)).id);
        }),
      );
      const happened = await amidFaults(shopping, () => placed.size, ORDERS_BETWEEN);
      await shopping;

      const orders = await until(
        'every order has ended',
        async () => {
          const pages = await Promise.all(buyers.map(([atFirst]) => ordersOf(atFirst!)));
          const all = pages.flat();
          return all.every(({ status }) => ENDED.includes(status)) && all;
        },
        DRAIN_MS,
      );
      say(`${placed.size} orders, ${happened}`);
      // One more was placed before anything happened.
      expect(orders).toHaveLength(placed.size + 1);
      for (const { status, cancelReason } of orders) {
        if (status === 'cancelled') expect(cancelReason).toBe('payment-declined');
      }
    },
    CHAOS_MS + 3 * ONE_OUTAGE_MS + DRAIN_MS,
  );

  under('replay')(
    'a replay reports what it reports of a shop that nothing happens to',
    async () => {
      const invoices = await Invoices.find();
      const address = await OneAddress.of(shops);
      try {
        const undisturbed = await invoices.playedIn(shop(), 'undisturbed', address.url);
        const endsAt = Date.now() + CHAOS_MS;
        let rounds = 0;
        const replaying = (async () => {
          do {
            const report = await invoices.playedIn(shop(), `round-${rounds + 1}`, address.url);
            expect(report).toEqual(undisturbed);
            rounds += 1;
          } while (Date.now() < endsAt);
        })();
        const happened = await amidFaults(replaying, () => address.asked, REQUESTS_BETWEEN);
        await replaying;
        say(`${rounds} replays of ${undisturbed.orders.placed} orders, ${happened}`);
      } finally {
        await address.close();
        invoices.close();
      }
    },
    CHAOS_MS + 2 * ONE_REPLAY_MS,
  );
});

async function ordersOf(customer: Customer): Promise<Order[]> {
  const orders: Order[] = [];
  let next: string | undefined = '/orders?limit=100';
  while (next !== undefined) {
    const page: { items: Order[]; nextCursor?: string | null } = await customer.reads(next);
    orders.push(...page.items);
    next = page.nextCursor ? `/orders?limit=100&cursor=${page.nextCursor}` : undefined;
  }
  return orders;
}
