import type { Bench } from '../bench';
import { comparison, perSecond } from '../figure';
import type { Load, LoadGenerator } from '../load/load';
import type { Task } from '../reference/steps-by-hand';
import { costOf, type Sample } from '../rounds';
import type { Row } from '../row';
import type { RunningShop } from '../shop';

const CONNECTIONS = 32;
const MANY_WORKERS = 8;

/** Orders that wait in the log are fulfilled, from the first reservation to the last confirmation. */
export const ordersToConfirmed: Row = {
  name: 'orders-to-confirmed',
  job: 'orders to confirmed per second',
  async measure(bench: Bench) {
    const { house, plan } = bench;
    const { products } = await bench.stocked();
    const copy = await bench.copyOfShop();
    const [someone] = await house.sql<{ id: string }>(copy, 'SELECT id FROM orders.customer LIMIT 1');
    const shop = await bench.startShop(this.name);
    const load = bench.startLoad();
    const provider = house.start('reference/instant-provider', { env: {} });
    const byHand = house.start('reference/steps-by-hand', {
      env: { DATABASE_URL: house.urlOf(copy), PROVIDER_URL: await provider.ask('url') },
    });
    try {
      const requests = await shop.requests();
      const drain = (orders: number) => fulfilWaiting(bench, shop, load, requests, orders);
      const hand = async (workers: number): Promise<Sample> => {
        const task: Task = {
          workers,
          orders: plan.waitingOrdersByHand * (workers > 1 ? 2 : 1),
          productIds: products.map(({ id }) => id),
          customerId: (someone as { id: string }).id,
        };
        const { result, cpu } = await costOf([byHand.pid, house.postgresPid], () => byHand.ask<number>('fulfil', task));
        return { value: task.orders / result, cpu: cpu / task.orders };
      };
      await drain(Math.ceil(plan.waitingOrders / 4));
      const rounds = await bench.rounds(this.name, {
        ours: () => drain(plan.waitingOrders),
        hand: () => hand(1),
        hands: () => hand(MANY_WORKERS),
      });
      const limit = { is: 'least', must: 2, aim: 4 } as const;
      const name = 'orders to confirmed, against the same steps one by one, one transaction each, by hand';
      return [
        comparison(name, rounds, ['ours', 'hand'], perSecond, limit),
        comparison(`${name}, by ${MANY_WORKERS} workers at the same time`, rounds, ['ours', 'hands'], perSecond),
      ];
    } finally {
      await Promise.all([shop, load, byHand, provider].map((one) => one.stop()));
      await house.dropDatabase(copy);
    }
  },
};

/** Lets orders wait until they can be fulfilled all together; answers how many of them were confirmed per second. */
export async function fulfilWaiting(
  bench: Bench,
  shop: RunningShop,
  load: LoadGenerator,
  requests: Load['requests'],
  orders: number,
): Promise<Sample> {
  const { house } = bench;
  const { database } = shop;
  const held = await shop.holdFulfilment();
  const before = await ordersIn(bench, database);
  try {
    await load.run({ url: shop.url, requests, connections: CONNECTIONS, most: orders });
    await house.settleDown();
  } finally {
    await held.release();
  }
  const placed = (await ordersIn(bench, database)) - before;
  const { cpu } = await costOf([...shop.pids, house.postgresPid], () => shop.allFulfilled());
  return { value: placed / (await secondsOfLast(bench, database, placed)), cpu: cpu / placed };
}

async function ordersIn({ house }: Bench, database: string): Promise<number> {
  const [row] = await house.sql<{ count: string }>(database, 'SELECT count(*) FROM orders."order"');
  return Number(row?.count);
}

/** From the first of the latest `count` orders being reserved to the last of them being confirmed. */
async function secondsOfLast({ house }: Bench, database: string, count: number): Promise<number> {
  const [row] = await house.sql<{ seconds: number }>(
    database,
    `WITH latest AS (SELECT id FROM orders."order" ORDER BY id DESC LIMIT $1)
     SELECT extract(epoch FROM max(t.at) - (SELECT min(r.decided_at) FROM inventory.reservation r JOIN latest l ON r.order_id = l.id))::float AS seconds
     FROM orders.order_transition t JOIN latest l ON t.order_id = l.id WHERE t.to_status = 'confirmed'`,
    [count],
  );
  return (row as { seconds: number }).seconds;
}
