import { isDatabaseAway } from './database-errors';

export interface Grouping<Item, Answer> {
  /** Most items in one flush. */
  limit: number;
  /** Flushes that may run at the same time; more than the cores of the database gain nothing. */
  inFlight: number;
  /**
   * Does the work of all items at once, atomically, and answers in their order; an item that is refused on its own is
   * answered with an Error and harms no other. Where the flush itself fails, nothing of it has happened, or it can be
   * repeated without harm: each item is then tried alone.
   */
  flush(items: Item[]): Promise<(Answer | Error)[]>;
}

interface Waiting<Item, Answer> {
  item: Item;
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

/**
 * Lets concurrent calls share one round trip and one commit. The calls of one turn of the event loop go together; while
 * flushes are under way, later calls gather for the next. There is no timer, so a lone call does not wait for company.
 */
export function grouped<Item, Answer>(grouping: Grouping<Item, Answer>): (item: Item) => Promise<Answer> {
  const waiting: Waiting<Item, Answer>[] = [];
  let running = 0;
  let scheduled = false;

  function schedule(): void {
    if (scheduled || running >= grouping.inFlight || waiting.length === 0) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      while (running < grouping.inFlight && waiting.length > 0) void run(waiting.splice(0, grouping.limit));
    });
  }

  async function run(batch: Waiting<Item, Answer>[]): Promise<void> {
    running += 1;
    try {
      await settle(batch);
    } finally {
      running -= 1;
      schedule();
    }
  }

  async function settle(batch: Waiting<Item, Answer>[]): Promise<void> {
    try {
      const answers = await grouping.flush(batch.map(({ item }) => item));
      batch.forEach(({ resolve, reject }, index) => {
        const answer = answers[index] as Answer | Error;
        if (answer instanceof Error) reject(answer);
        else resolve(answer);
      });
    } catch (error) {
      if (batch.length === 1 || isDatabaseAway(error)) batch.forEach(({ reject }) => reject(error));
      else for (const one of batch) await settle([one]);
    }
  }

  return (item) =>
    new Promise<Answer>((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      schedule();
    });
}
