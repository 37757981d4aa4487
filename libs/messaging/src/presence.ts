import { randomInt, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { Database, statement } from '@banyan/persistence';
import { Doorbell } from './doorbell';

type Session = Awaited<ReturnType<Database['session']>>;

/** What instances tell one another of a module: its log has grown; or somebody has left, and what they owned is free. */
export type News = 'published' | 'left';

const RECONNECT_MS = 500;

const channelOf = (module: string): string => `banyan_${module}`;

const telling = statement<never>('presence.tell', 'SELECT pg_notify($1, $2)');

/** Tells the instances that the module's log has grown, for whoever publishes beside them, such as a command. */
export async function tellPublished(database: Database): Promise<void> {
  const news: News = 'published';
  await database.query(telling, [channelOf(database.module), news]);
}

// Forgotten in a crash of the server, a notification has nobody left to hear it: so its commit need not wait for the disk.
const QUICKLY = 'SET synchronous_commit = off';

/**
 * That this instance is there, as the database sees it: a lock held by a session of its own. The lock goes with the
 * session, so what a killed instance owned can be taken over at once instead of when its lease runs out. Over the same
 * session it hears from the other instances, and they from it: NOTIFY locks through commit, so it must stay out of the
 * transactions that do the work.
 */
export class Presence {
  readonly owner = randomUUID();
  /** The lock's key. */
  readonly key = randomInt(1, 2 ** 47);
  private readonly logger = new Logger(Presence.name);
  private readonly ending = new AbortController();
  private readonly channel: string;
  private readonly doorbell = new Doorbell(() => this.notify('published'));
  private session: Session | undefined;
  private finished: Promise<void> | undefined;

  constructor(
    private readonly database: Pick<Database, 'module' | 'session'>,
    /** Told what other instances say, and both things whenever something may have been missed. */
    private readonly heard: (news: News) => void,
    /** A lock that the instances share which consume over Kafka: while one of them is there, no other transport takes over. */
    private readonly sharedKey: number | undefined = undefined,
  ) {
    this.channel = channelOf(database.module);
  }

  /** Takes the lock, and again whenever its session is lost. Throws where the database is away at first. */
  async begin(): Promise<void> {
    this.finished = this.keep(await this.lock());
    // What the module published before it came here, such as its seeds, nobody has been told of.
    this.tellPublished();
  }

  /** Lets the lock go and says so. */
  async end(): Promise<void> {
    this.ending.abort();
    await this.finished;
  }

  /** Tells the other instances, soon, that the module's log has grown. While the session is lost, they find it by the clock. */
  tellPublished(): void {
    this.doorbell.ring();
  }

  private async notify(news: News): Promise<void> {
    await this.session?.client.query('SELECT pg_notify($1, $2)', [this.channel, `${news} ${this.owner}`]);
  }

  private async lock(): Promise<Session> {
    const session = await this.database.session();
    try {
      session.client.on('notification', ({ payload }) => this.hear(payload));
      await session.client.query(QUICKLY);
      await session.client.query('SELECT pg_advisory_lock($1)', [this.key]);
      if (this.sharedKey !== undefined)
        await session.client.query('SELECT pg_advisory_lock_shared($1)', [this.sharedKey]);
      await session.client.query(`LISTEN "${this.channel}"`);
      return session;
    } catch (error) {
      session.client.end().catch(() => undefined);
      throw error;
    }
  }

  private hear(payload = ''): void {
    const [news, teller] = payload.split(' ');
    if (teller !== this.owner && (news === 'published' || news === 'left')) this.heard(news);
  }

  private async keep(first: Session): Promise<void> {
    const { signal } = this.ending;
    const ended = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    this.session = first;
    while (this.session) {
      const { lost, client }: Session = this.session;
      await Promise.race([lost, ended]);
      if (signal.aborted) return this.leave(client);
      client.end().catch(() => undefined);
      this.session = undefined;
      this.logger.warn(`${this.database.module} has lost its lock; takes it again.`);
      // Whoever reads the log shall see now, and not by the clock, whether the database is away.
      this.heard('published');
      this.session = await this.lockAgain(signal);
      this.heard('published');
      this.heard('left');
    }
  }

  private async leave(client: Session['client']): Promise<void> {
    try {
      await client.query('SELECT pg_advisory_unlock_all()');
      await this.notify('left');
    } catch {
      // The lock goes with the session, and the others look by the clock.
    }
    this.session = undefined;
    await client.end().catch(() => undefined);
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
