import { readdirSync, readFileSync } from 'node:fs';

/** Nanoseconds would be a pretence: the kernel counts in ticks of a hundredth of a second. */
const MICROSECONDS_PER_TICK = 10_000;
const IDLE_COLUMNS = [3, 4];

interface ProcessTime {
  pid: number;
  parent: number;
  /** Of the process itself. */
  own: number;
  /** Of its children that have ended. */
  ended: number;
}

/** Whether this system says how much processor time its processes took (Linux). */
export const knowsProcessorTime = process.platform === 'linux';

/** Microseconds that processes and all that they started have used of the processors, ended children included. */
export function timeOf(...pids: readonly number[]): number {
  if (!knowsProcessorTime) return 0;
  const all = everyProcess();
  const children = Map.groupBy(all, ({ parent }) => parent);
  const sum = ({ pid, own, ended }: ProcessTime): number =>
    own + ended + (children.get(pid) ?? []).reduce((total, child) => total + sum(child), 0);
  return all.filter(({ pid }) => pids.includes(pid)).reduce((total, one) => total + sum(one), 0);
}

/** Microseconds that all processors of the machine have been busy since it started. */
export function busyTime(): number {
  if (!knowsProcessorTime) return 0;
  const [line = ''] = readFileSync('/proc/stat', 'utf8').split('\n', 1);
  // user nice system idle iowait irq softirq steal; what guests use is in user already.
  const ticks = line.trim().split(/\s+/).slice(1, 9).map(Number);
  return MICROSECONDS_PER_TICK * ticks.filter((_, n) => !IDLE_COLUMNS.includes(n)).reduce((sum, n) => sum + n, 0);
}

/** Bytes of memory that a process holds at this moment. */
export function residentBytes(pid: number): number {
  const [, kilobytes = '0'] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) * 1024;
}

function everyProcess(): ProcessTime[] {
  const found: ProcessTime[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      found.push(processTime(Number(name), readFileSync(`/proc/${name}/stat`, 'utf8')));
    } catch {
      // It ended meanwhile; its time is its parent's by now.
    }
  }
  return found;
}

/** Reads a line of /proc/PID/stat; the name in parentheses may hold anything, parentheses included. */
export function processTime(pid: number, line: string): ProcessTime {
  const fields = line
    .slice(line.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const [parent, user, system, endedUser, endedSystem] = [1, 11, 12, 13, 14].map((n) => fields[n] ?? 0) as [
    number,
    number,
    number,
    number,
    number,
  ];
  return {
    pid,
    parent,
    own: (user + system) * MICROSECONDS_PER_TICK,
    ended: (endedUser + endedSystem) * MICROSECONDS_PER_TICK,
  };
}
