import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { behaviours } from './tokens';

export interface CaptureRequest {
  amount: number;
  currency: string;
  token: string;
}

export interface RefundRequest {
  captureKey: string;
  amount: number;
}

/** What the books say of a capture. A `voided` one never took place and never will; its amount is 0. */
export interface Capture {
  key: string;
  outcome: 'captured' | 'declined' | 'voided';
  reason: string | null;
  amount: number;
  currency: string | null;
  refunded: number;
  at: string;
}

export interface Refund {
  key: string;
  captureKey: string;
  outcome: 'refunded';
  amount: number;
  currency: string;
  at: string;
}

/** A line of the books as the audit reads it; `position` only grows, in the order in which the lines were written. */
export type Line = { position: number } & (({ kind: 'capture' } & Capture) | ({ kind: 'refund' } & Refund));

/** The provider would not do what was asked, and wrote nothing. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

interface Row {
  position: number;
  kind: 'capture' | 'refund';
  key: string;
  capture_key: string | null;
  outcome: string;
  reason: string | null;
  amount: number;
  currency: string | null;
  token: string | null;
  refunded: number;
  at: string;
}

interface Waiting {
  act: () => unknown;
  resolve: (answer: never) => void;
  reject: (error: unknown) => void;
}

/**
 * The provider's own durable books: what was captured, declined, voided and refunded, by key.
 * An answer is given only once the disk has it, and a key is answered the same for ever.
 */
export class Books {
  readonly #database: DatabaseSync;
  readonly #statements: Record<'byKey' | 'page' | 'write' | 'addRefund' | 'failures' | 'addFailure', StatementSync>;
  #waiting: Waiting[] = [];

  constructor(folder: string) {
    mkdirSync(folder, { recursive: true });
    this.#database = new DatabaseSync(join(folder, 'books.sqlite'), { timeout: 5_000 });
    this.#database.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      CREATE TABLE IF NOT EXISTS line (
        position integer PRIMARY KEY AUTOINCREMENT,
        kind text NOT NULL CHECK (kind IN ('capture', 'refund')),
        key text NOT NULL,
        capture_key text CHECK ((kind = 'refund') = (capture_key IS NOT NULL)),
        outcome text NOT NULL CHECK (outcome IN ('captured', 'declined', 'voided', 'refunded')),
        reason text,
        amount integer NOT NULL CHECK (amount >= 0),
        currency text,
        token text,
        refunded integer NOT NULL DEFAULT 0 CHECK (refunded BETWEEN 0 AND amount),
        at text NOT NULL,
        UNIQUE (key, kind)
      ) STRICT;
      CREATE TABLE IF NOT EXISTS failure (key text PRIMARY KEY, count integer NOT NULL) STRICT, WITHOUT ROWID;
    `);
    this.#statements = {
      byKey: this.#database.prepare('SELECT * FROM line WHERE key = ? AND kind = ?'),
      page: this.#database.prepare('SELECT * FROM line WHERE position > ? ORDER BY position LIMIT ?'),
      write: this.#database.prepare(
        `INSERT INTO line (kind, key, capture_key, outcome, reason, amount, currency, token, at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ),
      addRefund: this.#database.prepare(`UPDATE line SET refunded = refunded + ? WHERE key = ? AND kind = 'capture'`),
      failures: this.#database.prepare('SELECT count FROM failure WHERE key = ?'),
      addFailure: this.#database.prepare(
        'INSERT INTO failure (key, count) VALUES (?, 1) ON CONFLICT (key) DO UPDATE SET count = count + 1',
      ),
    };
  }

  /**
   * Charges once per key. The answer is the capture, or the number of times this key has now failed for a token that
   * fails first. Throws a Refusal: 400 `unknown-token`, 409 `key-reused` where the key was used for another charge.
   */
  capture(key: string, request: CaptureRequest): Promise<Capture | { failure: number }> {
    const behaviour = behaviours.get(request.token);
    if (behaviour === undefined) throw new Refusal(400, 'unknown-token', 'This token is not one of ours.');
    return this.#write(() => {
      const known = this.#line('capture', key);
      if (known !== undefined) {
        if (known.outcome !== 'voided' && !sameCharge(known, request)) throw keyReused(key);
        return captureOf(known);
      }
      const failures = Number(this.#statements.failures.get(key)?.count ?? 0);
      if (failures < (behaviour.failures ?? 0)) {
        this.#statements.addFailure.run(key);
        return { failure: failures + 1 };
      }
      return captureOf(this.#enter('capture', key, { ...request, ...behaviour }));
    });
  }

  /** Closes a key that was never captured for good; of any other key it tells the outcome and changes nothing. */
  void(key: string): Promise<Capture> {
    return this.#write(() =>
      captureOf(this.#line('capture', key) ?? this.#enter('capture', key, { outcome: 'voided' })),
    );
  }

  /**
   * Gives back once per key. Throws a Refusal: 409 `key-reused`, 422 `capture-not-found`, 422 `exceeds-capture` where
   * less than the amount is left of the capture.
   */
  refund(key: string, request: RefundRequest): Promise<Refund> {
    return this.#write(() => {
      const known = this.#line('refund', key);
      if (known !== undefined) {
        if (known.capture_key !== request.captureKey || known.amount !== request.amount) throw keyReused(key);
        return refundOf(known);
      }
      const capture = this.#line('capture', request.captureKey);
      if (capture?.outcome !== 'captured') {
        throw new Refusal(422, 'capture-not-found', `Nothing was captured under the key ${request.captureKey}.`);
      }
      const left = capture.amount - capture.refunded;
      if (request.amount > left) throw new Refusal(422, 'exceeds-capture', `Only ${left} is left of this capture.`);
      this.#statements.addRefund.run(request.amount, request.captureKey);
      return refundOf(this.#enter('refund', key, { ...request, currency: capture.currency, outcome: 'refunded' }));
    });
  }

  captureBy(key: string): Capture | undefined {
    const line = this.#line('capture', key);
    return line && captureOf(line);
  }

  refundBy(key: string): Refund | undefined {
    const line = this.#line('refund', key);
    return line && refundOf(line);
  }

  /** The lines after a position, oldest first; a line may still change in one thing, how much of a capture is refunded. */
  page(after: number, limit: number): Line[] {
    const rows = this.#statements.page.all(after, limit) as unknown as Row[];
    return rows.map((row): Line => {
      const { position } = row;
      return row.kind === 'capture'
        ? { position, kind: 'capture', ...captureOf(row) }
        : { position, kind: 'refund', ...refundOf(row) };
    });
  }

  /** Commits what is waiting, then closes. */
  close(): void {
    this.#commit();
    this.#database.close();
  }

  #line(kind: Row['kind'], key: string): Row | undefined {
    return this.#statements.byKey.get(key, kind) as Row | undefined;
  }

  #enter(
    kind: Row['kind'],
    key: string,
    line: { outcome: string; amount?: number } & Partial<Pick<Row, 'reason' | 'currency' | 'token'>> & {
        captureKey?: string;
      },
  ): Row {
    const { captureKey = null, outcome, reason = null, amount = 0, currency = null, token = null } = line;
    this.#statements.write.run(
      kind,
      key,
      captureKey,
      outcome,
      reason,
      amount,
      currency,
      token,
      new Date().toISOString(),
    );
    return this.#line(kind, key)!;
  }

  // One transaction for all that came in during one turn of the event loop: a disk flush then serves many callers,
  // and a lone caller waits for nobody.
  #write<Answer>(act: () => Answer): Promise<Answer> {
    return new Promise<Answer>((resolve, reject) => {
      if (this.#waiting.push({ act, resolve, reject }) === 1) setImmediate(() => this.#commit());
    });
  }

  #commit(): void {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    const settle: (() => void)[] = [];
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      for (const { act, resolve, reject } of waiting) {
        try {
          const answer = act();
          settle.push(() => resolve(answer as never));
        } catch (error) {
          // A refusal comes before the first write of its act, so the others may commit; anything else may not.
          if (!(error instanceof Refusal)) throw error;
          settle.push(() => reject(error));
        }
      }
      this.#database.exec('COMMIT');
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      for (const { reject } of waiting) reject(error);
      return;
    }
    for (const tell of settle) tell();
  }
}

const sameCharge = (line: Row, request: CaptureRequest) =>
  line.amount === request.amount && line.currency === request.currency && line.token === request.token;

const keyReused = (key: string) => new Refusal(409, 'key-reused', `The key ${key} was used for something else.`);

const captureOf = ({ key, outcome, reason, amount, currency, refunded, at }: Row): Capture => ({
  key,
  outcome: outcome as Capture['outcome'],
  reason,
  amount,
  currency,
  refunded,
  at,
});

const refundOf = ({ key, capture_key, amount, currency, at }: Row): Refund => ({
  key,
  captureKey: capture_key!,
  outcome: 'refunded',
  amount,
  currency: currency!,
  at,
});
