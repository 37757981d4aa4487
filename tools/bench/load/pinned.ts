import { spawnSync } from 'node:child_process';

/** What to put in front of a command so that it runs on the first processor only; nothing where that cannot be said. */
export function firstProcessorOnly(): string[] {
  const pin = ['taskset', '-c', '0'];
  return spawnSync(pin[0] as string, [...pin.slice(1), 'true']).status === 0 ? pin : [];
}
