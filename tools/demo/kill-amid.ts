import { setTimeout as timePasses } from 'node:timers/promises';

/** Something that can be killed outright, and started again. */
export interface Mortal {
  kill(): Promise<void>;
  start(): Promise<void>;
}

export interface KillOptions {
  /** How often at most. */
  times: number;
  /** The longest wait before each, in ms; how long it is, is left to chance. */
  withinMs: number;
  onKill(): void;
  /** Told how long it was away. */
  onStart(awayMs: number): void;
  /** How to wait, and by what chance (0 to 1); really by default. */
  pause?: (ms: number, whileOpen: AbortSignal) => Promise<unknown>;
  chance?: () => number;
}

/**
 * Kills it at random moments, and starts it again each time, until that was often enough or the work is done. Resolves
 * with how often it was killed, when it is running.
 */
export async function killAmid(work: Promise<unknown>, mortal: Mortal, options: KillOptions): Promise<number> {
  const { times, withinMs, onKill, onStart, chance = Math.random } = options;
  const pause = options.pause ?? ((ms, signal) => timePasses(ms, undefined, { signal }));
  const working = new AbortController();
  const workEnds = () => working.abort();
  work.then(workEnds, workEnds);
  let kills = 0;
  while (kills < times) {
    // It ends early when the work does.
    await pause(chance() * withinMs, working.signal).catch(() => undefined);
    if (working.signal.aborted) break;
    const killedAt = Date.now();
    await mortal.kill();
    kills += 1;
    onKill();
    await mortal.start();
    onStart(Date.now() - killedAt);
  }
  return kills;
}
