import { randomInt, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Database } from '@banyan/persistence';

const RECONNECT_MS = 500;

/**
 * That this instance is there, as the database sees it: a lock held by a session of its own. The lock goes with the
 * session, so what a killed instance owned can be taken over at once instead of when its lease runs out.
 */
export class Presence {
  readonly owner = randomUUID();
  /** The lock's key. */
  readonly key = randomInt(1, 2 ** 47);
  private ended = false;
  private release: (() => void) | undefined;
  private running: Promise<void> | undefined;

  constructor(private readonly database: Database) {}

  /** Resolves once the lock is held; it is taken again whenever the session is lost. */
  async begin(): Promise<void> {
    await new Promise<void>((ready) => {
      this.running = this.hold(ready);
    });
  }

  async end(): Promise<void> {
    this.ended = true;
    this.release?.();
    await this.running;
  }

  private async hold(ready: () => void): Promise<void> {
    while (!this.ended) {
      try {
        const session = await this.database.session();
        const lost = new Promise<Error>((resolve) => session.on('error', resolve));
        const left = new Promise<undefined>((resolve) => (this.release = () => resolve(undefined)));
        try {
          await session.query('SELECT pg_advisory_lock($1)', [this.key]);
          ready();
          await Promise.race([lost, left]);
        } finally {
          // Destroyed rather than given back: the lock must not stay with a session that does other work.
          session.release(true);
        }
      } catch {
        await delay(RECONNECT_MS);
      }
    }
  }
}
