import { setTimeout as delay } from 'node:timers/promises';

let mostPatienceMs = Infinity;

/** For as long as the work takes, nobody waits longer for anything: where what is waited for must not come true. */
export async function impatiently<T>(patienceMs: number, work: () => Promise<T>): Promise<T> {
  mostPatienceMs = patienceMs;
  try {
    return await work();
  } finally {
    mostPatienceMs = Infinity;
  }
}

/** Resolves once the condition holds; throws after `wantedMs`. An error of the condition counts as "not yet". */
export async function until(condition: () => boolean | Promise<boolean>, wantedMs = 15_000): Promise<void> {
  const patienceMs = Math.min(wantedMs, mostPatienceMs);
  const giveUpAt = Date.now() + patienceMs;
  let error: unknown;
  for (;;) {
    try {
      if (await condition()) return;
    } catch (thrown) {
      error = thrown;
    }
    if (Date.now() > giveUpAt) {
      throw new Error(`Did not come true within ${patienceMs} ms: ${condition.toString()}`, { cause: error });
    }
    await delay(10);
  }
}

/** What is promised, or an error where the patience of `impatiently` is over first. */
export async function soon<T>(promised: Promise<T>): Promise<T> {
  if (mostPatienceMs === Infinity) return promised;
  const timer = new AbortController();
  const over = delay(mostPatienceMs, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`Did not come true within ${mostPatienceMs} ms.`);
  });
  try {
    return await Promise.race([promised, over]);
  } finally {
    over.catch(() => undefined);
    promised.catch(() => undefined);
    timer.abort();
  }
}

export interface Gate {
  /** Resolves when the gate is opened. */
  opened: Promise<void>;
  open(): void;
}

/** Something to stand before until a test opens it. */
export function gate(): Gate {
  let open = () => {};
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}
