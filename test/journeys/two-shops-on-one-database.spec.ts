import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { anAdmin } from './shop/admin';
import { aCustomer, Customer, orderFor } from './shop/customer';
import { until } from './shop/eventually';
import type { Order } from './shop/order';
import type { Product } from './shop/product';
import { inAShopOfItsOwn, type RunningShop } from './shop/running-shop';

/** How long the shops are killed and stopped, in minutes; 0.25 unless CHAOS_MINUTES says otherwise. */
const MINUTES = Number(process.env['CHAOS_MINUTES'] ?? 0.25);
const CHAOS_MS = MINUTES * 60_000;
const LEASE_MS = 2_000;
const BUYERS = 3;
// Between two faults, so that each meets a shop at work.
const ORDERS_BETWEEN = 10;
const TOKENS = ['tok_approved', 'tok_approved', 'tok_declined', 'tok_approved'];
const ONE_OUTAGE_MS = 60_000;
// Killed at a bad moment, its transactions may keep the database waiting for as long as one may live.
const DRAIN_MS = 90_000;
const NO_ANSWER = ['UND_ERR_SOCKET', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE'];
const ENDED = ['confirmed', 'cancelled'];

const differently = { BUS_LEASE_MS: String(LEASE_MS), SIGNING_KEY_SECRET: randomBytes(32).toString('base64') };

inAShopOfItsOwn('in two shops on one database', differently, (shop) => {
  /** One customer, at the door of each of the shops. */
  async function buyer(shops: readonly RunningShop[]): Promise<Customer[]> {
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

  test(
    'one of them killed or stopped at any time, every order is taken once and ends',
    async () => {
      const another = await shop().openAnother();
      try {
        const shops = [shop(), another];
        const lantern = await (await anAdmin(shop())).lists({ stock: 1_000_000 });
        const [buyers, first] = [await Promise.all(Array.from({ length: BUYERS }, () => buyer(shops))), randomInt(2)];
        await buyers[0]![0]!.orders({ items: [[lantern, 1]] });

        const endsAt = Date.now() + CHAOS_MS;
        const placed = new Set<string>();
        let failed: unknown;
        const shopping = Promise.all(
          buyers.map(async (atDoors) => {
            for (let number = 0; Date.now() < endsAt; number++) placed.add((await places(atDoors, lantern, number)).id);
          }),
        );
        shopping.catch((error: unknown) => (failed = error));

        const happened = { kill: 0, stop: 0 };
        const enough = () => happened.kill > 0 && happened.stop > 0;
        for (let n = first; (Date.now() < endsAt || !enough()) && failed === undefined; n++) {
          const before = placed.size;
          await until(
            'orders are placed',
            async () => placed.size >= before + ORDERS_BETWEEN || Date.now() > endsAt,
            ONE_OUTAGE_MS,
          );
          const fault = n % 2 === 0 ? 'kill' : 'stop';
          await faults[fault](shops[randomInt(shops.length)]!);
          happened[fault] += 1;
        }
        await shopping;

        const orders = await until(
          'every order has ended',
          async () => {
            const pages = await Promise.all(buyers.map(([atFirst]) => atFirst!.reads('/orders?limit=100')));
            const all = pages.flatMap(({ items }) => items as Order[]);
            return all.every(({ status }) => ENDED.includes(status)) && all;
          },
          DRAIN_MS,
        );
        const { kill, stop } = happened;
        process.stderr.write(`two shops on one database: ${placed.size} orders, ${kill} kills, ${stop} stops\n`);
        // One more was placed before anything happened.
        expect(orders).toHaveLength(placed.size + 1);
        for (const { status, cancelReason } of orders) {
          if (status === 'cancelled') expect(cancelReason).toBe('payment-declined');
        }
      } finally {
        await another.kill();
      }
    },
    CHAOS_MS + 3 * ONE_OUTAGE_MS + DRAIN_MS,
  );
});
