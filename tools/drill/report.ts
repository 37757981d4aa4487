import Table from 'cli-table3';
import colours from 'picocolors';
import type { Wait } from './ledger';

/** What one round, out and back, came to. */
export interface Round {
  orders: number;
  acknowledged: number;
  kills: number;
  lost: string[];
  doubled: string[];
  outOfOrder: string[];
  failed: string[];
  /** Of the audit's invariants. */
  violations: string[];
  longestWait: Wait;
  longestToConfirmMs: number;
  tookMs: number;
}

/** Each must be empty. */
const FAULTS = {
  lost: 'lost',
  doubled: 'doubled',
  outOfOrder: 'out of order',
  failed: 'failed',
  violations: 'violations',
} as const satisfies Partial<Record<keyof Round, string>>;

const kinds = Object.keys(FAULTS) as (keyof typeof FAULTS)[];

// The rest is more of the same.
const TOLD_OF_EACH = 10;

export const isClean = (round: Round): boolean => kinds.every((kind) => round[kind].length === 0);

/** A line per fault, the first few of each kind. */
export function faultsOf(round: Round): string[] {
  return kinds.flatMap((kind) => {
    const lines = round[kind].slice(0, TOLD_OF_EACH).map((what) => `${FAULTS[kind]}: ${what}`);
    const more = round[kind].length - lines.length;
    return more > 0 ? [...lines, `${FAULTS[kind]}: and ${more} more`] : lines;
  });
}

export const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;

export function tableOf(rounds: readonly Round[]): string {
  const table = new Table({
    head: [
      ...['round', 'orders', 'acknowledged', 'kills'],
      ...Object.values(FAULTS),
      ...['longest wait', 'longest to confirm', 'took'],
    ].map((head) => colours.bold(head)),
    colAligns: Array.from({ length: 12 }, () => 'right'),
    style: { head: [], border: [] },
    chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
  });
  const row = (name: string, round: Round) =>
    table.push([
      ...[name, round.orders, round.acknowledged, round.kills],
      ...kinds.map((kind) => (round[kind].length === 0 ? '0' : colours.red(round[kind].length))),
      ...[round.longestWait.ms, round.longestToConfirmMs, round.tookMs].map(seconds),
    ]);
  for (const [number, round] of rounds.entries()) row(String(number + 1), round);
  if (rounds.length > 1) row('all', sumOf(rounds));
  return table.toString();
}

function sumOf(rounds: readonly Round[]): Round {
  const add = (one: Round, other: Round): Round => ({
    orders: one.orders + other.orders,
    acknowledged: one.acknowledged + other.acknowledged,
    kills: one.kills + other.kills,
    lost: [...one.lost, ...other.lost],
    doubled: [...one.doubled, ...other.doubled],
    outOfOrder: [...one.outOfOrder, ...other.outOfOrder],
    failed: [...one.failed, ...other.failed],
    violations: [...one.violations, ...other.violations],
    longestWait: one.longestWait.ms > other.longestWait.ms ? one.longestWait : other.longestWait,
    longestToConfirmMs: Math.max(one.longestToConfirmMs, other.longestToConfirmMs),
    tookMs: one.tookMs + other.tookMs,
  });
  return rounds.reduce(add);
}
