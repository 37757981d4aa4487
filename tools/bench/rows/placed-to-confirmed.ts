import { setTimeout as pause } from 'node:timers/promises';
import { performance } from 'node:perf_hooks';
import { randomUUID } from 'node:crypto';
import type { Client } from 'pg';
import { Pool } from 'undici';
import type { Bench } from '../bench';
import { comparison, milliseconds } from '../figure';
import { findPgbench, NO_PGBENCH, pgbenchLatency } from '../reference/pgbench';
import { sixCommits } from '../reference/six-commits';
import { costOf } from '../rounds';
import type { Row } from '../row';
import { median } from '../statistics';

const WHAT = 'an order on its own, from the request to confirmed, median, against 6 REF-PG commits one after another';
const PAUSE_BETWEEN_MS = 10;
const LONGEST_MS = 30_000;

// Looking again and again would be late by half a pause each time, and take from the shop what it measures: so the database
// tells. What that adds to the commit counts against us.
const TELLING = `
  CREATE FUNCTION orders.tell() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_notify('confirmed', NEW.id::text); RETURN NULL; END $$;
  CREATE TRIGGER tell AFTER UPDATE ON orders."order" FOR EACH ROW WHEN (NEW.status = 'confirmed') EXECUTE FUNCTION orders.tell();
  LISTEN confirmed`;
const NO_LONGER = 'DROP TRIGGER tell ON orders."order"; DROP FUNCTION orders.tell()';

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
    const confirmed = new Confirmations(session);
    await session.query(TELLING);
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
        await confirmed.of(id);
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
      await session.query(NO_LONGER);
      await session.end();
      await load.stop();
      await shop.stop();
      await house.dropDatabase(copy);
    }
  },
};

/** Who waits for which order, told by the database. */
class Confirmations {
  private readonly told = new Set<string>();
  private waiting: { id: string; done(): void } | undefined;

  constructor(session: Client) {
    session.on('notification', ({ payload = '' }) => {
      if (this.waiting?.id === payload) this.waiting.done();
      else this.told.add(payload);
    });
  }

  /** Resolves once the order is confirmed; throws where that takes half a minute. */
  async of(id: string): Promise<void> {
    if (this.told.delete(id)) return;
    let late: NodeJS.Timeout | undefined;
    await new Promise<void>((done, fail) => {
      this.waiting = { id, done };
      late = setTimeout(() => fail(new Error(`Order ${id} was not confirmed in time.`)), LONGEST_MS);
    }).finally(() => clearTimeout(late));
  }
}
