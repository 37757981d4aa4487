import Table from 'cli-table3';
import colours from 'picocolors';

type Cell = string | number;

/** Rows under their heads, without lines between them; a column of numbers is aligned to the right. */
export function tableOf(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const table = new Table({
    head: head.map((title) => colours.bold(title)),
    colAligns: head.map((_, column) => (typeof rows[0]?.[column] === 'number' ? 'right' : 'left')),
    style: { head: [], border: [] },
    chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
  });
  table.push(...rows.map((row) => [...row]));
  return table.toString();
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
] as const;

/** How long ago that was, in the largest unit that fits: `4 min`. */
export function age(since: Date, now = new Date()): string {
  const milliseconds = Math.max(0, now.getTime() - since.getTime());
  const [unit, length] = UNITS.find(([, size]) => milliseconds >= size) ?? ['ms', 1];
  return `${Math.floor(milliseconds / length)} ${unit}`;
}

export const print = (text: string): void => void process.stdout.write(`${text}\n`);
export const printJson = (value: unknown): void => print(JSON.stringify(value, null, 2));
