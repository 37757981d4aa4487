import type { Bench } from '../bench';
import { comparison, perSecond } from '../figure';
import type { Row } from '../row';
import { RunningShop, stock } from '../shop';
import { fulfilWaiting } from './orders-to-confirmed';

const WHAT = 'orders to confirmed over Kafka, one process per module, against one process without Kafka';
const DATABASE = 'apart';

/** Orders that wait in Kafka are fulfilled by an app of each module, from the first reservation to the last confirmation. */
export const ordersOverKafka: Row = {
  name: 'orders-over-kafka',
  job: 'orders to confirmed per second, over Kafka',
  async measure(bench: Bench) {
    const { house, plan } = bench;
    const kafka = await bench.kafka();
    if ('why' in kafka) return [{ what: WHAT, why: kafka.why }];
    // Books of its own, since the audit compares the shop's with all that its provider has.
    const provider = house.start('reference/instant-provider', { env: {} });
    const apart = await RunningShop.startApart(
      house,
      await stock(house, DATABASE, await provider.ask('url')),
      kafka.brokers,
    );
    const together = await bench.startShop(this.name);
    const load = bench.startLoad();
    try {
      const fulfil = async (shop: RunningShop, orders: number) =>
        fulfilWaiting(bench, shop, load, await shop.requests(), orders);
      const warmUp = Math.ceil(plan.waitingOrders / 4);
      await fulfil(apart, warmUp);
      await fulfil(together, warmUp);
      const rounds = await bench.rounds(this.name, {
        apart: () => fulfil(apart, plan.waitingOrders),
        together: () => fulfil(together, plan.waitingOrders),
      });
      return [comparison(WHAT, rounds, ['apart', 'together'], perSecond, { is: 'least', must: 0.3, aim: 0.6 })];
    } finally {
      await Promise.all([apart, together, load, provider].map((one) => one.stop()));
      await house.dropDatabase(DATABASE);
    }
  },
};
