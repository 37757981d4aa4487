import { setTimeout as delay } from 'node:timers/promises';
import { failpoint } from '@banyan/failpoints';
import { Logger } from '@nestjs/common';
import { Client, ClientConfig, Pool, QueryResult } from 'pg';
import { DataSource, EntityManager } from 'typeorm';
import { isContention } from './database-errors';
import { Statement } from './statement';
import { CommitRefused, sendTogether, Transaction } from './transaction';

// A deadlock's loser succeeds at once when it tries again, unless the load is such that a person must look at it.
const CONTENTION_TRIES = 5;

/** The database as one module sees it: its own schema, through its own role, on a pool of its own. */
export class Database {
  /** TypeORM outside any transaction, for cold reads. */
  readonly entities: EntityManager;
  private readonly pool: Pool;
  private readonly logger = new Logger(Database.name);

  constructor(
    readonly module: string,
    readonly dataSource: DataSource,
    /** Longest that a transaction may live, in milliseconds; the server ends what takes longer. */
    readonly transactionTimeoutMs: number,
  ) {
    this.entities = dataSource.manager;
    // TypeORM cannot name statements, so hot paths talk to the `pg` pool that lies under the same DataSource.
    this.pool = (dataSource.driver as unknown as { master: Pool }).master;
  }

  /** Runs one statement in a transaction of its own. Throws what the driver throws. */
  async query<Row>(sql: Statement<Row> | string, values: unknown[] = []): Promise<Row[]> {
    const config = typeof sql === 'string' ? { text: sql, values } : { name: sql.name, text: sql.text, values };
    const result: QueryResult = await this.pool.query(config);
    return result.rows as Row[];
  }

  /**
   * Runs the work in one transaction: committed when it returns, rolled back when it throws. Work that lost a deadlock is
   * done again from its beginning (five times at most), so it must have no effect outside the transaction.
   */
  async transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.attempt(work);
      } catch (error) {
        if (!isContention(error) || attempt === CONTENTION_TRIES) throw error;
        await delay(Math.random() * 10 * attempt);
      }
    }
  }

  /**
   * A connection beside the pool, for locks held by a session, and LISTEN. Whoever asks for it ends it. `lost` resolves
   * when it is gone, for whatever reason.
   */
  async session(): Promise<{ client: Client; lost: Promise<void> }> {
    const client = new Client((this.pool as unknown as { options: ClientConfig }).options);
    const lost = new Promise<void>((resolve) => client.on('end', resolve).on('error', () => resolve()));
    await client.connect();
    return { client, lost };
  }

  /** Closes the pool; waits `patienceMs` at most for connections that are still in use, whose work then comes to nothing. */
  async close(patienceMs = 1_000): Promise<void> {
    const timer = new AbortController();
    const patience = delay(patienceMs, undefined, { signal: timer.signal }).catch(() => undefined);
    await Promise.race([this.dataSource.destroy(), patience]);
    timer.abort();
  }

  private async attempt<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    const client = await this.pool.connect();
    const tx = new Transaction(client, this.dataSource, this.module);
    let broken: Error | undefined;
    const onError = (error: Error) => (broken = error);
    client.on('error', onError);
    try {
      // Not awaited: BEGIN travels together with the first statement of the work.
      sendTogether(client);
      const begun = client.query('BEGIN');
      begun.catch(() => undefined);
      const result = await work(tx);
      tx.close();
      await failpoint('transaction.before-commit');
      // Nor does COMMIT wait for answers: where a statement before it has failed, the server rolls back instead.
      const [, , { command }] = await Promise.all([begun, tx.answered(), client.query('COMMIT')]);
      // To COMMIT after a failed statement the server answers ROLLBACK, and that is no error to it.
      if (command !== 'COMMIT') throw new CommitRefused();
      await failpoint('transaction.after-commit');
      for (const error of tx.committed())
        this.logger.error('What was to follow a commit failed.', (error as Error).stack);
      return result;
    } catch (error) {
      tx.close();
      // Whatever made the work fail, a connection that cannot roll back must not go back to the pool.
      await client.query('ROLLBACK').catch((failure: Error) => (broken = failure));
      throw tx.causeOf(error);
    } finally {
      client.off('error', onError);
      client.release(broken);
    }
  }
}
