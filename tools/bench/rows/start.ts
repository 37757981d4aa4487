import { performance } from 'node:perf_hooks';
import type { Bench } from '../bench';
import { comparison, milliseconds } from '../figure';
import { costOf, type Sample } from '../rounds';
import type { Row } from '../row';
import { RunningShop } from '../shop';
import { BareApp } from '../reference/start-bare-app';

/** From the command to the first answer of `/health/ready`, with the database running and migrated. */
export const start: Row = {
  name: 'start',
  job: 'start to ready',
  async measure(bench: Bench) {
    const stocked = await bench.stocked();
    const database = await BareApp.prepare(bench.house);
    const timed = async (begin: () => Promise<{ stop(): Promise<void> }>): Promise<Sample> => {
      const beganAt = performance.now();
      let took = 0;
      // Processes that have ended count as their parent's, and stopping is a small part of it.
      const { cpu } = await costOf([process.pid], async () => {
        const started = await begin();
        took = performance.now() - beganAt;
        await started.stop();
      });
      return { value: took, cpu };
    };
    const sides = {
      ours: () => timed(() => RunningShop.start(bench.house, stocked)),
      bare: () => timed(() => BareApp.start(bench.house, database)),
    };
    await sides.ours();
    await sides.bare();
    const rounds = await bench.rounds(this.name, sides);
    if (bench.profiles(this.name)) await (await bench.startShop(this.name)).stop();
    await bench.house.dropDatabase(database);
    const what = 'start to ready, against a bare Nest + Fastify + TypeORM app';
    return [comparison(what, rounds, ['ours', 'bare'], milliseconds, { is: 'most', must: 2, aim: 1.2 })];
  },
};
