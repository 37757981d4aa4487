import { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { CouldNotLook } from './could-not-look';

const capture = z.object({
  kind: z.literal('capture'),
  key: z.string(),
  outcome: z.enum(['captured', 'declined', 'voided']),
  amount: z.int(),
  currency: z.string().nullable(),
  refunded: z.int(),
});
const refund = z.object({
  kind: z.literal('refund'),
  key: z.string(),
  captureKey: z.string(),
  amount: z.int(),
  currency: z.string(),
});
const page = z.object({ lines: z.array(z.discriminatedUnion('kind', [capture, refund])), next: z.int().nullable() });

export type BookedCapture = Pick<z.infer<typeof capture>, 'key' | 'outcome' | 'amount' | 'currency' | 'refunded'>;
export type BookedRefund = Pick<z.infer<typeof refund>, 'key' | 'captureKey' | 'amount' | 'currency'>;

const LINES_PER_PAGE = 5_000;
const LINES_PER_BATCH = 5_000;
const PATIENCE_MS = 30_000;

/**
 * The payment provider's own books, as it tells them itself. They come in the order in which they were written; to be
 * read in the order of their keys they are put into a temporary file, which goes with this object.
 */
export class ProviderBooks {
  private readonly file = new DatabaseSync('');
  /** Lines read. */
  size = 0;

  private constructor() {
    this.file.exec(`
      PRAGMA journal_mode = OFF;
      PRAGMA synchronous = OFF;
      CREATE TABLE capture (key text PRIMARY KEY, outcome text, amount integer, currency text, refunded integer) WITHOUT ROWID;
      CREATE TABLE refund (key text PRIMARY KEY, captureKey text, amount integer, currency text) WITHOUT ROWID;
    `);
  }

  /** Throws CouldNotLook where the provider does not show them. */
  static async read(providerUrl: string): Promise<ProviderBooks> {
    const books = new ProviderBooks();
    try {
      let after: number | null = 0;
      do {
        const { lines, next }: z.infer<typeof page> = await fetchPage(providerUrl, after);
        books.add(lines);
        after = next;
      } while (after !== null);
      return books;
    } catch (error) {
      books.close();
      throw error;
    }
  }

  async *captures(): AsyncGenerator<BookedCapture[]> {
    yield* this.inKeyOrder<BookedCapture>('SELECT key, outcome, amount, currency, refunded FROM capture ORDER BY key');
  }

  async *refunds(): AsyncGenerator<BookedRefund[]> {
    yield* this.inKeyOrder<BookedRefund>('SELECT key, captureKey, amount, currency FROM refund ORDER BY key');
  }

  close(): void {
    this.file.close();
  }

  private add(lines: z.infer<typeof page>['lines']): void {
    const addCapture = this.file.prepare('INSERT INTO capture VALUES (?, ?, ?, ?, ?)');
    const addRefund = this.file.prepare('INSERT INTO refund VALUES (?, ?, ?, ?)');
    this.file.exec('BEGIN');
    for (const line of lines) {
      if (line.kind === 'capture') addCapture.run(line.key, line.outcome, line.amount, line.currency, line.refunded);
      else addRefund.run(line.key, line.captureKey, line.amount, line.currency);
    }
    this.file.exec('COMMIT');
    this.size += lines.length;
  }

  private *inKeyOrder<Line>(sql: string): Generator<Line[]> {
    let batch: Line[] = [];
    for (const line of this.file.prepare(sql).iterate()) {
      batch.push(line as Line);
      if (batch.length < LINES_PER_BATCH) continue;
      yield batch;
      batch = [];
    }
    if (batch.length > 0) yield batch;
  }
}

async function fetchPage(providerUrl: string, after: number): Promise<z.infer<typeof page>> {
  const url = new URL(`/books?after=${after}&limit=${LINES_PER_PAGE}`, providerUrl);
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(PATIENCE_MS) });
    if (!answer.ok) throw new Error(`it answered ${answer.status}`);
    return page.parse(await answer.json());
  } catch (error) {
    const reason = error instanceof z.ZodError ? 'the answer is no page of books' : reasonOf(error as Error);
    throw new CouldNotLook(
      `The payment provider at ${providerUrl} does not show its books (${reason}). ` +
        'Say where it is with --provider-url URL, or judge without them: --no-books',
    );
  }
}

/** Of a failed fetch the reason is one level down. */
function reasonOf({ message, cause }: Error): string {
  const { message: inner, code } = (cause ?? {}) as { message?: string; code?: string };
  return inner || code || message;
}
