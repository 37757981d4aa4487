import type { Bench } from '../bench';
import { milliseconds } from '../figure';
import { middleOf } from '../rounds';
import type { Row } from '../row';
import { Clock } from '../subject/clock';

/** A message on its own: from its commit to the first line of its handler, in the same process. */
export const commitToHandler: Row = {
  name: 'commit-to-handler',
  job: 'commit to handler start, in-process',
  async measure(bench: Bench) {
    const { plan } = bench;
    const clock = await Clock.open(bench, this.name);
    try {
      await clock.commitToHandler(plan.loneMessages);
      const rounds = await bench.rounds(this.name, {
        ours: async () => ({ value: await clock.commitToHandler(plan.loneMessages) }),
      });
      const value = middleOf(rounds, 'ours');
      return [
        {
          what: 'commit to handler start, in-process, median',
          value,
          unit: 'ms',
          limit: { is: 'most', must: 1, aim: 0.1 },
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
