import { setTimeout as delay } from 'node:timers/promises';

export interface MischiefRule {
  /** Probability that a message is delivered again, now or with a later batch. */
  duplicate: number;
  /** Longest delay before a batch, in milliseconds. */
  delayMs: number;
  /** Probability that a batch is shuffled between its streams. */
  reorder: number;
}

/**
 * Does to batches what a broker may do: repeats, delays, and reorders between streams, never within one. Development and
 * tests only. `streamOf` names the stream of an item.
 */
export class Mischief<Item> {
  private readonly seen: Item[] = [];

  constructor(
    private readonly rule: MischiefRule,
    private readonly streamOf: (item: Item) => string,
    private readonly random: () => number = Math.random,
  ) {}

  async disturb(batch: readonly Item[]): Promise<Item[]> {
    if (this.rule.delayMs > 0) await delay(this.random() * this.rule.delayMs);
    let disturbed = batch.flatMap((item) => (this.random() < this.rule.duplicate ? [item, item] : [item]));
    if (this.seen.length > 0 && this.random() < this.rule.duplicate) {
      disturbed.push(this.seen[Math.floor(this.random() * this.seen.length)] as Item);
    }
    if (this.random() < this.rule.reorder) disturbed = this.shuffle(disturbed);
    this.seen.push(...batch.slice(-20));
    this.seen.splice(0, this.seen.length - 100);
    return disturbed;
  }

  /** What was delivered may have come to nothing, so none of it can be repeated: it has yet to come in order. */
  forget(): void {
    this.seen.length = 0;
  }

  private shuffle(items: readonly Item[]): Item[] {
    const streams = new Map<string, Item[]>();
    for (const item of items) {
      const stream = this.streamOf(item);
      streams.set(stream, [...(streams.get(stream) ?? []), item]);
    }
    const shuffled: Item[] = [];
    while (streams.size > 0) {
      const names = [...streams.keys()];
      const name = names[Math.floor(this.random() * names.length)] as string;
      const stream = streams.get(name) as Item[];
      shuffled.push(stream.shift() as Item);
      if (stream.length === 0) streams.delete(name);
    }
    return shuffled;
  }
}
