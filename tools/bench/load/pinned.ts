import { spawnSync } from 'node:child_process';

/** What to put in front of a command so that it runs on one processor only; nothing where that cannot be said. */
export function onProcessor(number: number): string[] {
  const pin = ['taskset', '-c', String(number)];
  return spawnSync(pin[0] as string, [...pin.slice(1), 'true']).status === 0 ? pin : [];
}

/** The same of the first one, which is where those run who ask. */
export function firstProcessorOnly(): string[] {
  return onProcessor(0);
}
