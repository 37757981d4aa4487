import type { Bench } from '../bench';
import { comparison, perSecond } from '../figure';
import { costOf, type Sample } from '../rounds';
import type { Row } from '../row';
import { Clock, fillLog } from '../subject/clock';

/** Events that wait in the log are handled, each with one effect. */
export const outboxToHandled: Row = {
  name: 'outbox-to-handled',
  job: 'outbox to handled, effect once',
  async measure(bench: Bench) {
    const { house, plan } = bench;
    const count = plan.waitingEvents;
    const clock = await Clock.open(bench, this.name);
    // The same tables, which nobody of the product works on any more.
    const copy = await (await Clock.open(bench, 'reference', 'raw_clock')).leave();
    const raw = house.start('reference/raw-consumer', { env: { DATABASE_URL: house.urlOf(copy) } });
    try {
      const sampleOf = ({ result, cpu }: { result: number; cpu: number }): Sample => ({
        value: count / (result / 1_000),
        cpu: cpu / count,
      });
      let fills = 0;
      const ours = async () => sampleOf(await costOf([clock.pid], () => clock.drain(count)));
      const rawly = async () => {
        const commit = await fillLog(house, copy, `${(fills += 1)}`, count);
        await house.settleDown();
        await commit();
        return sampleOf(await costOf([raw.pid], () => raw.ask<number>('drain', { count })));
      };
      await ours();
      await rawly();
      const rounds = await bench.rounds(this.name, { ours, raw: rawly });
      const { written, sent } = await clock.effects();
      if (written !== sent) throw new Error(`${sent} events had ${written} effects.`);
      const what = 'outbox to handled, effect once, against the same in raw SQL, batches of 500';
      return [comparison(what, rounds, ['ours', 'raw'], perSecond, { is: 'least', must: 0.5, aim: 0.85 })];
    } finally {
      await raw.stop();
      await clock.close();
      await house.dropDatabase(copy);
    }
  },
};
