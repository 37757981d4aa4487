const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 5_000;

/** Answers that say nothing about the request itself: the same one may well succeed in a moment. */
export function worthRepeating(status: number, code: string | undefined, alsoRepeat: readonly string[]): boolean {
  if (status === 429 || status === 502 || status === 503 || status === 504) return true;
  return code !== undefined && (code === 'request-in-progress' || alsoRepeat.includes(code));
}

/**
 * How long to wait before the repetition, in ms: what the shop asked for, else twice as long each time, up to 5 s,
 * less up to half of it so that many clients do not come back as one.
 * @param attempt how often the request has failed, from 1
 * @param chance 0 to 1
 */
export function delayBefore(attempt: number, askedForMs: number | undefined, chance: number): number {
  if (askedForMs !== undefined) return askedForMs;
  const longest = Math.min(FIRST_DELAY_MS * 2 ** (attempt - 1), LONGEST_DELAY_MS);
  return longest * (1 - chance / 2);
}

/** `Retry-After` in ms: seconds or a date; undefined where it is missing or neither. */
export function retryAfterMs(header: string | undefined, now: Date): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d+$/.test(header)) return Number(header) * 1000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now.getTime());
}
