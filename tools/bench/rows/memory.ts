import { setTimeout as pause } from 'node:timers/promises';
import type { Bench } from '../bench';
import { comparison, megabytes } from '../figure';
import type { LoadGenerator } from '../load/load';
import { knowsProcessorTime, residentBytes } from '../processor-time';
import { BareApp } from '../reference/start-bare-app';
import type { DoubleSample } from '../rounds';
import type { Row } from '../row';
import { median } from '../statistics';

const SETTLE_MS = 3_000;
const LOOK_EVERY_MS = 100;
const CONNECTIONS = 32;

/** Resident memory a few seconds after the start, and while 32 clients place orders as fast as they are answered. */
export const memory: Row = {
  name: 'memory',
  job: 'memory idle and loaded',
  async measure(bench: Bench) {
    if (!knowsProcessorTime) return [{ what: 'memory', why: 'only Linux says how much a process holds' }];
    const { house } = bench;
    await bench.stocked();
    const database = await BareApp.prepare(house);
    const load = bench.startLoad();
    try {
      const rounds = await bench.rounds(this.name, {
        ours: async (): Promise<DoubleSample> => {
          const shop = await bench.startShop(this.name);
          const besides = await afterSettling(shop.pid);
          const requests = await shop.requests();
          const value = await underLoad(bench, load, { url: shop.url, pid: shop.pid, requests });
          await shop.allFulfilled();
          await shop.stop();
          return { value, besides };
        },
        bare: async (): Promise<DoubleSample> => {
          const app = await BareApp.start(house, database);
          const besides = await afterSettling(app.pid);
          const requests = [{ headers: {}, body: BODY }];
          const value = await underLoad(bench, load, { url: app.url, pid: app.pid, requests });
          await app.stop();
          return { value, besides };
        },
      });
      const against = 'against a bare Nest + Fastify + TypeORM app';
      const limit = { is: 'most', must: 1.6, aim: 1.2 } as const;
      const idle = {
        ...rounds,
        good: rounds.good.map(({ ours, bare }) => ({ ours: { value: ours.besides }, bare: { value: bare.besides } })),
      };
      return [
        comparison(`memory idle, ${against}`, idle, ['ours', 'bare'], megabytes, limit),
        comparison(`memory loaded, ${against} that stores one row`, rounds, ['ours', 'bare'], megabytes, limit),
      ];
    } finally {
      await load.stop();
      await house.dropDatabase(database);
    }
  },
};

const BODY = JSON.stringify({
  items: [0, 1].map((n) => ({ productId: `01980f2e-7c00-7000-8000-00000000000${n}`, quantity: 1 })),
  payment: { token: 'tok_approved' },
});

async function afterSettling(pid: number): Promise<number> {
  await pause(SETTLE_MS);
  return residentBytes(pid);
}

/** The median while the load lasts, after a warm-up. */
async function underLoad(
  { plan }: Bench,
  load: LoadGenerator,
  { url, pid, requests }: { url: string; pid: number; requests: Parameters<LoadGenerator['run']>[0]['requests'] },
): Promise<number> {
  const asked = { url, requests, connections: CONNECTIONS };
  await load.run({ ...asked, seconds: plan.warmUpSeconds });
  const seen: number[] = [];
  const looking = setInterval(() => seen.push(residentBytes(pid)), LOOK_EVERY_MS);
  try {
    await load.run({ ...asked, seconds: plan.loadSeconds });
  } finally {
    clearInterval(looking);
  }
  return median(seen);
}
