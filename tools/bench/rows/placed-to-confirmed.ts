import { setTimeout as pause } from 'node:timers/promises';
import { performance } from 'node:perf_hooks';
import { randomUUID } from 'node:crypto';
import { Pool } from 'undici';
import type { Bench } from '../bench';
import { comparison, milliseconds } from '../figure';
import { findPgbench, NO_PGBENCH, pgbenchLatency } from '../reference/pgbench';
import { sixCommits } from '../reference/six-commits';
import { costOf } from '../rounds';
import type { Row } from '../row';
import { median } from '../statistics';

const WHAT = 'an order on its own, from the request to confirmed, median, against 6 REF-PG commits one after another';
// A timer's shortest. What it adds counts against us; turning in circles instead would take a processor from the shop.
const LOOK_EVERY_MS = 1;
const PAUSE_BETWEEN_MS = 10;
const LONGEST_MS = 30_000;

export const placedToConfirmed: Row = {
  name: 'placed-to-confirmed',
  job: 'order placed to confirmed, unloaded',
  async measure(bench: Bench) {
    const pgbench = findPgbench();
    if (pgbench === undefined) return [{ what: WHAT, why: NO_PGBENCH }];
    const { house, plan } = bench;
    const { database, products } = await bench.stocked();
    const copy = await bench.copyOfShop();
    const [someone] = await house.sql<{ id: string }>(copy, 'SELECT id FROM orders.customer LIMIT 1');
    const script = sixCommits((someone as { id: string }).id, (products[0] as { id: string }).id);
    const shop = await bench.startShop(this.name);
    const load = bench.startLoad();
    const session = await house.connect(database);
    const client = new Pool(shop.url, { connections: 1 });
    try {
      const requests = await shop.requests();
      const follow = async (n: number): Promise<number> => {
        const { headers, body } = requests[n % requests.length] as (typeof requests)[number];
        const askedAt = performance.now();
        const answer = await client.request({
          method: 'POST',
          path: '/api/v1/orders',
          headers: { ...headers, 'content-type': 'application/json', 'idempotency-key': randomUUID() },
          body,
        });
        const { id } = (await answer.body.json()) as { id: string };
        const look = { name: 'look', text: `SELECT status FROM orders."order" WHERE id = $1`, values: [id] };
        while ((await session.query(look)).rows[0].status !== 'confirmed') {
          if (performance.now() - askedAt > LONGEST_MS) throw new Error(`Order ${id} was not confirmed in time.`);
          await pause(LOOK_EVERY_MS);
        }
        const took = performance.now() - askedAt;
        // What follows the confirmation must not be in the way of the next order.
        await pause(PAUSE_BETWEEN_MS);
        return took;
      };
      const followAll = async (count: number) => {
        const times: number[] = [];
        for (let n = 0; n < count; n += 1) times.push(await follow(n));
        return median(times);
      };
      // A shop that has been open for a while: code that ran a few times only would be measured while it is compiled.
      await load.run({ url: shop.url, requests, connections: 8, most: 10 * plan.followedOrders });
      await shop.allFulfilled();
      await followAll(plan.followedOrders);
      const rounds = await bench.rounds(this.name, {
        ours: async () => {
          const { result, cpu } = await costOf([shop.pid, house.postgresPid], () => followAll(plan.followedOrders));
          return { value: result, cpu: cpu / plan.followedOrders };
        },
        commits: async () => ({
          value: await pgbenchLatency(pgbench, house.urlOf(copy), script, plan.followedOrders, house.folder),
        }),
      });
      await shop.allFulfilled();
      return [comparison(WHAT, rounds, ['ours', 'commits'], milliseconds, { is: 'most', must: 3, aim: 1.5 })];
    } finally {
      await client.close();
      await session.end();
      await load.stop();
      await shop.stop();
      await house.dropDatabase(copy);
    }
  },
};
