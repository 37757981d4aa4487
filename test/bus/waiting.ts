import { setTimeout as delay } from 'node:timers/promises';

/** Resolves once the condition holds; throws after `patienceMs`. An error of the condition counts as "not yet". */
export async function until(condition: () => boolean | Promise<boolean>, patienceMs = 15_000): Promise<void> {
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
