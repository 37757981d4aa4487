import { Injectable } from '@nestjs/common';
import { Database, statement, type Transaction } from '@banyan/persistence';
import type { Attempt } from './attempt';
import { IdempotencyKeyReused, RequestInProgress } from './idempotency-errors';

// Waits for nobody, and is let go by the end of the transaction whatever ends it, so that no key can get stuck.
const lock = statement<{ locked: boolean }>(
  'idempotency.lock',
  `select pg_try_advisory_xact_lock(hashtextextended(current_schema() || ' ' || $1 || ' ' || $2, 0)) as locked`,
);
const remembered = statement<{ fingerprint: string; answer: string }>(
  'idempotency.remembered',
  'select fingerprint, answer from idempotency_key where caller = $1 and key = $2',
);
const remember = statement(
  'idempotency.remember',
  'insert into idempotency_key (caller, key, fingerprint, answer, about) values ($1, $2, $3, $4, $5)',
);

/** Acts that have one effect per caller and key, with the key in the module's own schema. */
@Injectable()
export class Idempotency {
  constructor(private readonly database: Database) {}

  /**
   * Does the act in one transaction, together with remembering its answer under the attempt's key; an attempt without a
   * key is simply done. The same request under the same key is answered what the first was answered, as JSON keeps
   * it; an act that throws is not remembered. Throws `IdempotencyKeyReused` for another request under the key and
   * `RequestInProgress` while the first is at work. `about` names the user of whom the answer tells, where that may be
   * somebody else than the caller: it is forgotten with either of them.
   */
  async once<Answer>(
    attempt: Attempt,
    act: (tx: Transaction) => Promise<Answer>,
    about: (answer: Answer) => string | null = () => null,
  ): Promise<Answer> {
    const { caller, key } = attempt;
    if (key === undefined) return this.database.transaction(act);
    const { fingerprint } = attempt;
    return this.database.transaction(async (tx) => {
      const [{ locked } = { locked: false }] = await tx.query(lock, [caller, key]);
      if (!locked) throw new RequestInProgress();
      const [earlier] = await tx.query(remembered, [caller, key]);
      if (earlier) {
        if (earlier.fingerprint !== fingerprint) throw new IdempotencyKeyReused();
        return JSON.parse(earlier.answer) as Answer;
      }
      const answer = await act(tx);
      await tx.query(remember, [caller, key, fingerprint, JSON.stringify(answer ?? null), about(answer)]);
      return answer;
    });
  }

  /** Forgets the answers kept for a user or about them, for whoever erases a person. */
  async scrub(tx: Transaction, userId: string): Promise<void> {
    await tx.query('delete from idempotency_key where caller = $1 or about = $1', [userId]);
  }
}
