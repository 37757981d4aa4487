import { whileHeld, type Bench } from '../bench';
import { comparison, milliseconds } from '../figure';
import type { Row } from '../row';
import { costOf, type Sample } from '../rounds';
import { startAnswering } from './request-references';

/** One client who asks again as soon as it is answered: the median time of an answer. */
export const ordersLatency: Row = {
  name: 'orders-latency',
  job: '`POST /orders` latency, one client',
  async measure(bench: Bench) {
    const { house, plan } = bench;
    const { shop, load, bare, stop } = await startAnswering(bench, this.name);
    try {
      const requests = await shop.requests();
      const against = async (url: string, pid: number): Promise<Sample> => {
        const asked = { url, requests, connections: 1 };
        await load.run({ ...asked, most: Math.ceil(plan.loneRequests / 4) });
        await house.settleDown();
        const { result, cpu } = await costOf([pid, house.postgresPid], () =>
          load.run({ ...asked, most: plan.loneRequests }),
        );
        return { value: result.p50, cpu: cpu / result.done };
      };
      const rounds = await bench.rounds(this.name, {
        ours: () => whileHeld(shop, () => against(shop.url, shop.pid)),
        bare: () => against(bare.url, bare.pid),
      });
      const limit = { is: 'most', must: 1.7, aim: 1.15 } as const;
      return [
        comparison('`POST /orders`, one client, median, against REF-H', rounds, ['ours', 'bare'], milliseconds, limit),
      ];
    } finally {
      await stop();
    }
  },
};
