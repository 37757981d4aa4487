import { whileHeld, type Bench } from '../bench';
import { comparison, perSecond } from '../figure';
import type { Row } from '../row';
import { costOf, type Sample } from '../rounds';
import { startAnswering } from './request-references';

const CONNECTIONS = 32;

/** `POST /orders` from 32 connections; fulfilment is measured by rows of its own, and told of here besides. */
export const ordersThroughput: Row = {
  name: 'orders-throughput',
  job: '`POST /orders` throughput, 32 connections',
  async measure(bench: Bench) {
    const { house, plan } = bench;
    const { shop, load, bare, ordinary, stop } = await startAnswering(bench, this.name);
    try {
      const requests = await shop.requests();
      const against = async (url: string, pid: number): Promise<Sample> => {
        const asked = { url, requests, connections: CONNECTIONS };
        await load.run({ ...asked, seconds: plan.warmUpSeconds });
        await house.settleDown();
        const { result, cpu } = await costOf([pid, house.postgresPid], () =>
          load.run({ ...asked, seconds: plan.loadSeconds }),
        );
        return { value: result.done / result.seconds, cpu: cpu / result.done };
      };
      const rounds = await bench.rounds(this.name, {
        ours: () => whileHeld(shop, () => against(shop.url, shop.pid)),
        bare: () => against(bare.url, bare.pid),
        ordinary: () => against(ordinary.url, ordinary.pid),
        fulfilling: async () => {
          const sample = await against(shop.url, shop.pid);
          await shop.allFulfilled();
          return sample;
        },
      });
      const name = '`POST /orders`, 32 connections';
      return [
        comparison(`${name}, against NAIVE`, rounds, ['ours', 'ordinary'], perSecond, { is: 'least', must: 5, aim: 8 }),
        comparison(`${name}, against REF-H`, rounds, ['ours', 'bare'], perSecond, { is: 'least', must: 0.6, aim: 0.9 }),
        comparison(
          `${name}, while the same process fulfils them, against NAIVE, which fulfils nothing`,
          rounds,
          ['fulfilling', 'ordinary'],
          perSecond,
        ),
      ];
    } finally {
      await stop();
    }
  },
};
