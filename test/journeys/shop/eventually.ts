import { setTimeout as pause } from 'node:timers/promises';
import { recordingLook } from './records';

// On a machine with two busy cores; a shop at rest answers in milliseconds.
const PATIENCE_MS = 20_000;
const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 250;

/**
 * Looks again and again until there is something to see, and answers that. Fails with `what` and what was seen last
 * when patience runs out; an error while looking is a failure at once.
 */
export async function until<Seen>(
  what: string,
  look: () => Promise<Seen | undefined | null | false>,
  patienceMs = PATIENCE_MS,
): Promise<Seen> {
  const giveUpAt = Date.now() + patienceMs;
  for (let waitMs = FIRST_PAUSE_MS; ; waitMs = Math.min(waitMs * 1.5, LONGEST_PAUSE_MS)) {
    const seen = await recordingLook(look, isSomething);
    if (isSomething(seen)) return seen;
    if (Date.now() > giveUpAt) throw new Error(`Waited ${patienceMs / 1000} s in vain: ${what}.`);
    await pause(waitMs);
  }
}

function isSomething<Seen>(seen: Seen | undefined | null | false): seen is Seen {
  return seen !== undefined && seen !== null && seen !== false;
}
