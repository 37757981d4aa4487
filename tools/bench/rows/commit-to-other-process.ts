import type { Bench } from '../bench';
import { milliseconds } from '../figure';
import { middleOf } from '../rounds';
import type { Row } from '../row';
import { median } from '../statistics';
import { Clock } from '../subject/clock';

const WHAT = 'commit to handler start, over Kafka in another process, median';

/** A message on its own: from its commit to the first line of its handler, over Kafka, in another process. */
export const commitToOtherProcess: Row = {
  name: 'commit-to-other-process',
  job: 'commit to handler start, other process',
  async measure(bench: Bench) {
    const { plan } = bench;
    const kafka = await bench.kafka();
    if ('why' in kafka) return [{ what: WHAT, why: kafka.why }];
    const clock = await Clock.openApart(bench, this.name, kafka.brokers);
    try {
      const sendAll = async (count: number) => {
        const times: number[] = [];
        for (let n = 0; n < count; n += 1) times.push(await clock.commitToOtherProcess(n));
        return median(times);
      };
      await sendAll(plan.loneMessages);
      const rounds = await bench.rounds(this.name, {
        ours: async () => ({ value: await sendAll(plan.loneMessages) }),
      });
      const value = middleOf(rounds, 'ours');
      return [
        {
          what: WHAT,
          value,
          unit: 'ms',
          limit: { is: 'most', must: 5, aim: 1 },
          ours: milliseconds(value),
          reference: '',
          each: rounds.good.map(({ ours }) => ours.value),
          discarded: rounds.discarded,
          disturbed: rounds.disturbed,
        },
      ];
    } finally {
      await clock.close();
    }
  },
};
