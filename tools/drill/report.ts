import Table from 'cli-table3';
import colours from 'picocolors';
import type { Wait } from './ledger';

/** What a move, one way, came to. */
export interface Way {
  /** Which it was. */
  name: string;
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
} as const satisfies Partial<Record<keyof Way, string>>;

const kinds = Object.keys(FAULTS) as (keyof typeof FAULTS)[];

// The rest is more of the same.
const TOLD_OF_EACH = 10;

export const isClean = (way: Way): boolean => kinds.every((kind) => way[kind].length === 0);

/** A line per fault, the first few of each kind. */
export function faultsOf(way: Way): string[] {
  return kinds.flatMap((kind) => {
    const lines = way[kind].slice(0, TOLD_OF_EACH).map((what) => `${FAULTS[kind]}: ${what}`);
    const more = way[kind].length - lines.length;
    return more > 0 ? [...lines, `${FAULTS[kind]}: and ${more} more`] : lines;
  });
}

export const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;

export function tableOf(ways: readonly Way[]): string {
  const table = new Table({
    head: [
      ...['', 'orders', 'acknowledged', 'kills'],
      ...Object.values(FAULTS),
      ...['longest wait', 'longest to confirm', 'took'],
    ].map((head) => colours.bold(head)),
    colAligns: Array.from({ length: 12 }, () => 'right'),
    style: { head: [], border: [] },
    chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
  });
  for (const way of ways.length > 1 ? [...ways, ways.reduce(sumOf)] : ways) {
    table.push([
      ...[way.name, way.orders, way.acknowledged, way.kills],
      ...kinds.map((kind) => (way[kind].length === 0 ? '0' : colours.red(way[kind].length))),
      ...[way.longestWait.ms, way.longestToConfirmMs, way.tookMs].map(seconds),
    ]);
  }
  return table.toString();
}

function sumOf(one: Way, other: Way): Way {
  return {
    name: 'all',
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
  };
}
