import { QueryResult } from 'pg';
import { DataSource, EntityManager, QueryRunner } from 'typeorm';
import { isAborted } from './database-errors';
import { Statement } from './statement';

/** What a transaction needs of a connection: the `pg` client, so that hot statements can be named. */
export interface Connection {
  query(config: { name?: string; text: string; values?: unknown[] }): Promise<QueryResult>;
}

/** The transaction that the work had was over when it was used: a missing `await`, or a handle kept too long. */
export class TransactionIsOver extends Error {
  readonly code = 'transaction-is-over';
  constructor() {
    super('The transaction is over; what is done now would not be part of it. Is an `await` missing?');
  }
}

/** The database rolled the transaction back at COMMIT, because a statement in it had failed and the error was caught. */
export class CommitRefused extends Error {
  readonly code = 'commit-refused';
  constructor() {
    super(
      'Nothing was committed: a statement of the transaction had failed, and its error was caught. Let it through.',
    );
  }
}

/** One open transaction on one connection. Passed explicitly, so that a reader sees what commits together. */
export class Transaction {
  private open = true;
  private runner: QueryRunner | undefined;
  private readonly onCommit: (() => void)[] = [];
  private readonly sent: Promise<unknown>[] = [];
  private failure: unknown;

  constructor(
    private readonly connection: Connection,
    private readonly dataSource: DataSource,
    /** The module whose database this is. */
    readonly module: string,
  ) {}

  get isOpen(): boolean {
    return this.open;
  }

  /** Runs a named statement or plain SQL. Statements sent without awaiting one another travel in one round trip. */
  async query<Row>(sql: Statement<Row> | string, values: unknown[] = []): Promise<Row[]> {
    if (!this.open) throw new TransactionIsOver();
    const config = typeof sql === 'string' ? { text: sql, values } : { name: sql.name, text: sql.text, values };
    sendTogether(this.connection);
    return (await this.connection.query(config)).rows as Row[];
  }

  /**
   * Sends a statement whose answer the work has no use for: it travels with whatever is sent next, and with COMMIT at the
   * latest. If it fails, nothing is committed and the transaction throws what it failed of. `onRows` is told its rows
   * before anything that waits for the commit.
   */
  send<Row>(sql: Statement<Row> | string, values: unknown[] = [], onRows?: (rows: Row[]) => void): void {
    if (!this.open) throw new TransactionIsOver();
    const answered = this.query(sql, values).then(onRows);
    answered.catch((error: unknown) => (this.failure ??= error));
    this.sent.push(answered);
  }

  /** Resolves once all that was sent has succeeded; rejects with what failed first. */
  async answered(): Promise<void> {
    await Promise.all(this.sent);
  }

  /** Why the work really failed: after a failure that it did not wait for, the server refuses whatever comes next. */
  causeOf(error: unknown): unknown {
    return isAborted(error) ? (this.failure ?? error) : error;
  }

  /** TypeORM on this very transaction, for cold work. */
  get entities(): EntityManager {
    if (!this.open) throw new TransactionIsOver();
    // The query runner borrows the connection of this transaction instead of taking one from the pool and starting its
    // own, which would commit apart. It is told that a transaction is open, so that save() does not begin another.
    this.runner ??= Object.assign(this.dataSource.createQueryRunner(), {
      databaseConnection: this.connection,
      isTransactionActive: true,
      transactionDepth: 1,
    });
    return this.runner.manager;
  }

  /** Runs once the transaction has committed, and never if it has not. It must not throw: what is committed stays so. */
  afterCommit(callback: () => void): void {
    if (!this.open) throw new TransactionIsOver();
    this.onCommit.push(callback);
  }

  /** Ends the handle; further use throws. */
  close(): void {
    this.open = false;
    // An EntityManager that outlives the transaction would otherwise write on a connection that others use by now.
    if (this.runner) Object.assign(this.runner, { isReleased: true });
  }

  /** Runs what waited for the commit; answers what it threw. */
  committed(): unknown[] {
    const thrown: unknown[] = [];
    for (const callback of this.onCommit) {
      try {
        callback();
      } catch (error) {
        thrown.push(error);
      }
    }
    return thrown;
  }
}

interface Corkable {
  cork(): void;
  uncork(): void;
}

/**
 * Lets all that is sent on a connection in this turn of the event loop leave in one write: each write is a system call
 * that wakes the server, and with short statements that is most of what they cost.
 */
export function sendTogether(client: object): void {
  const { stream } = (client as { connection?: { stream?: Corkable } }).connection ?? {};
  if (!stream) return;
  stream.cork();
  process.nextTick(() => stream.uncork());
}
