import type { Figure } from './row';
import { cpuOf, middleOf, ratioOf, type Rounds } from './rounds';

/** A figure that sets one side of the rounds against another. `say` puts a side's own figure into words. */
export function comparison<Side extends string>(
  what: string,
  rounds: Rounds<Side>,
  [ours, reference]: readonly [Side, Side],
  say: (value: number) => string,
  limit?: Figure['limit'],
): Figure {
  return {
    what,
    value: ratioOf(rounds, ours, reference),
    unit: '×',
    ...(limit ? { limit } : {}),
    ours: say(middleOf(rounds, ours)),
    reference: say(middleOf(rounds, reference)),
    cpu: { ours: cpuOf(rounds, ours), reference: cpuOf(rounds, reference) },
    each: rounds.good.map((round) => round[ours].value / round[reference].value),
    discarded: rounds.discarded,
    disturbed: rounds.disturbed,
  };
}

export const perSecond = (value: number): string => `${Math.round(value).toLocaleString('en-GB')}/s`;
export const milliseconds = (value: number): string => `${value.toFixed(value < 10 ? 2 : 0)} ms`;
export const microseconds = (value: number): string => `${value.toFixed(1)} µs`;
export const megabytes = (value: number): string => `${Math.round(value / 1024 ** 2)} MB`;
