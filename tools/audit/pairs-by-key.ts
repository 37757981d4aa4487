export interface Keyed {
  readonly key: string;
}

type Pair<Left, Right> = [key: string, left: Left | undefined, right: Right | undefined];

/**
 * Walks two sources side by side, both in rising order of their keys, and pairs the rows of each key; what only one side
 * has is paired with undefined. Holds one batch of each at a time. Throws where a source is not in order.
 */
export async function* pairsByKey<Left extends Keyed, Right extends Keyed>(
  left: AsyncIterable<Left[]>,
  right: AsyncIterable<Right[]>,
): AsyncGenerator<Pair<Left, Right>[]> {
  const lefts = new Rows(left);
  const rights = new Rows(right);
  try {
    for (;;) {
      await Promise.all([lefts.fill(), rights.fill()]);
      if (lefts.current === undefined && rights.current === undefined) return;
      const pairs: Pair<Left, Right>[] = [];
      // As far as both batches reach; an exhausted side has nothing left that could match.
      while (lefts.reaches && rights.reaches) {
        const one = lefts.current;
        const other = rights.current;
        if (one === undefined && other === undefined) break;
        const key = other === undefined || (one !== undefined && one.key <= other.key) ? one!.key : other.key;
        pairs.push([key, one?.key === key ? lefts.take() : undefined, other?.key === key ? rights.take() : undefined]);
      }
      yield pairs;
    }
  } finally {
    await lefts.close();
    await rights.close();
  }
}

/** A source of batches, seen row by row. */
class Rows<Row extends Keyed> {
  private readonly batches: AsyncIterator<Row[]>;
  private batch: Row[] = [];
  private next = 0;
  private ended = false;
  private last = '';

  constructor(source: AsyncIterable<Row[]>) {
    this.batches = source[Symbol.asyncIterator]();
  }

  get current(): Row | undefined {
    return this.batch[this.next];
  }

  /** Whether the next row is known, if only to be none. */
  get reaches(): boolean {
    return this.next < this.batch.length || this.ended;
  }

  async fill(): Promise<void> {
    while (!this.reaches) {
      const { value, done } = await this.batches.next();
      this.ended = done === true;
      this.batch = done ? [] : value;
      this.next = 0;
    }
  }

  take(): Row {
    const row = this.batch[this.next++]!;
    if (row.key < this.last) throw new Error(`The key ${row.key} comes after ${this.last}: not in order.`);
    this.last = row.key;
    return row;
  }

  async close(): Promise<void> {
    await this.batches.return?.();
  }
}
