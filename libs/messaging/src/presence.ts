import { randomInt, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { Database } from '@banyan/persistence';

type Session = Awaited<ReturnType<Database['session']>>;

const RECONNECT_MS = 500;

/**
 * That this instance is there, as the database sees it: a lock held by a session of its own. The lock goes with the
 * session, so what a killed instance owned can be taken over at once instead of when its lease runs out.
 */
export class Presence {
  readonly owner = randomUUID();
  /** The lock's key. */
  readonly key = randomInt(1, 2 ** 47);
  private readonly logger = new Logger(Presence.name);
  private readonly ending = new AbortController();
  private finished: Promise<void> | undefined;

  constructor(private readonly database: Pick<Database, 'module' | 'session'>) {}

  /** Takes the lock, and again whenever its session is lost. Throws where the database is away at first. */
  async begin(): Promise<void> {
    this.finished = this.keep(await this.lock());
  }

  async end(): Promise<void> {
    this.ending.abort();
    await this.finished;
  }

  private async lock(): Promise<Session> {
    const session = await this.database.session();
    try {
      await session.client.query('SELECT pg_advisory_lock($1)', [this.key]);
      return session;
    } catch (error) {
      session.client.end().catch(() => undefined);
      throw error;
    }
  }

  private async keep(first: Session): Promise<void> {
    const { signal } = this.ending;
    const ended = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    let session: Session | undefined = first;
    while (session) {
      await Promise.race([session.lost, ended]);
      const closed = session.client.end().catch(() => undefined);
      if (signal.aborted) return closed;
      this.logger.warn(`${this.database.module} has lost its lock; takes it again.`);
      session = await this.lockAgain(signal);
    }
  }

  private async lockAgain(signal: AbortSignal): Promise<Session | undefined> {
    while (!signal.aborted) {
      try {
        return await this.lock();
      } catch {
        await delay(RECONNECT_MS, undefined, { signal }).catch(() => undefined);
      }
    }
    return undefined;
  }
}
