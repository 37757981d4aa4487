import { availableParallelism } from 'node:os';
import { performance } from 'node:perf_hooks';
import { busyTime, knowsProcessorTime, timeOf } from './processor-time';
import { median } from './statistics';

/** What one side of a comparison came to in one round. */
export interface Sample {
  value: number;
  /** Microseconds of processor time per operation, of the server's processes and the database's. */
  cpu?: number;
}

/** A sample that a row took something else along with. */
export interface DoubleSample extends Sample {
  besides: number;
}

export interface Rounds<Side extends string, Kind extends Sample = Sample> {
  /** The rounds that count, each with a sample of every side. */
  good: Record<Side, Kind>[];
  /** How many were left out because something else was at work on the machine. */
  discarded: number;
  /** No undisturbed round was to be had, so disturbed ones had to do. */
  disturbed: boolean;
}

// What kernel threads and the measuring itself need stays well below this share of the machine.
const MOST_FOREIGN_SHARE = 0.12;
const ATTEMPTS_PER_ROUND = 2;

/**
 * Measures all sides one after another, round by round, and leaves out rounds that other load disturbed: `watchLoad`
 * begins to watch, and what it answers tells the share of the machine that others have used since.
 */
export async function interleaved<Side extends string, Kind extends Sample>(
  rounds: number,
  sides: Readonly<Record<Side, () => Promise<Kind>>>,
  onRound: (done: number) => void,
  watchLoad: () => () => number = watchForeignLoad,
): Promise<Rounds<Side, Kind>> {
  const good: Record<Side, Kind>[] = [];
  const bad: { foreign: number; round: Record<Side, Kind> }[] = [];
  while (good.length < rounds && good.length + bad.length < rounds * ATTEMPTS_PER_ROUND) {
    const foreignShare = watchLoad();
    const round = {} as Record<Side, Kind>;
    for (const side of Object.keys(sides) as Side[]) round[side] = await sides[side]();
    const foreign = foreignShare();
    if (foreign <= MOST_FOREIGN_SHARE) good.push(round);
    else bad.push({ foreign, round });
    onRound(good.length + bad.length);
  }
  if (good.length > 0) return { good, discarded: bad.length, disturbed: false };
  const calmest = bad.toSorted((a, b) => a.foreign - b.foreign).slice(0, rounds);
  return { good: calmest.map(({ round }) => round), discarded: bad.length - calmest.length, disturbed: true };
}

/** The median over the rounds of one side against another in the same round. */
export function ratioOf<Side extends string>({ good }: Rounds<Side>, side: Side, to: Side): number {
  return median(good.map((round) => round[side].value / round[to].value));
}

/** The median of one side over the rounds. */
export function middleOf<Side extends string>({ good }: Rounds<Side>, side: Side): number {
  return median(good.map((round) => round[side].value));
}

/** The median processor time of one side; undefined where the system does not tell. */
export function cpuOf<Side extends string>({ good }: Rounds<Side>, side: Side): number | undefined {
  const times = good.flatMap((round) => round[side].cpu ?? []);
  return knowsProcessorTime && times.length > 0 ? median(times) : undefined;
}

/** Answers, when asked, which share of the machine was used since by what this process did not start. */
function watchForeignLoad(): () => number {
  const begun = { at: performance.now(), busy: busyTime(), ours: timeOf(process.pid) };
  return () => {
    const capacity = (performance.now() - begun.at) * 1_000 * availableParallelism();
    return (busyTime() - begun.busy - (timeOf(process.pid) - begun.ours)) / capacity;
  };
}

/** Microseconds of processor time of these processes and all they started, while the work was done. */
export async function costOf<T>(pids: readonly number[], work: () => Promise<T>): Promise<{ result: T; cpu: number }> {
  const before = timeOf(...pids);
  const result = await work();
  return { result, cpu: timeOf(...pids) - before };
}
