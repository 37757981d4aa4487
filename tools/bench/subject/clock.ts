import type { Bench } from '../bench';
import type { House } from '../house';
import type { Program } from '../program';

const PER_TOWER = 4;
const DATABASE = 'clock';

/** The bus on a database of its own, and its log to be filled behind its back. */
export class Clock {
  private fills = 0;
  /** Events that are in the log, or about to be. */
  private sent = 0;

  private constructor(
    private readonly bench: Bench,
    private readonly program: Program,
    readonly database: string,
    /** Where the listener has a process of its own. */
    private readonly listener: Program | undefined,
  ) {}

  /** `row`: whose subject it is. */
  static async open(bench: Bench, row: string, database = DATABASE): Promise<Clock> {
    const env = { DATABASE_URL: await bench.house.createDatabase(database), MODULES: 'clock,listener' };
    return Clock.opened(bench, database, bench.startSubject(row, 'subject/clock-app', { env }));
  }

  /** The clock's own process sends over Kafka to the listener's; `deaf`: there is no listener. */
  static async openApart(bench: Bench, row: string, brokers: string, deaf: 'deaf' | '' = ''): Promise<Clock> {
    const database = `${DATABASE}_${row.replaceAll('-', '_')}`;
    const env = {
      DATABASE_URL: await bench.house.createDatabase(database),
      EVENT_TRANSPORT: 'kafka',
      KAFKA_BROKERS: brokers,
      KAFKA_PREFIX: row,
    };
    const program = bench.startSubject(row, 'subject/clock-app', { env: { ...env, MODULES: 'clock' } });
    await program.ask('ready');
    const listener = deaf
      ? undefined
      : bench.house.start('subject/clock-app', { env: { ...env, MODULES: 'listener' } });
    await listener?.ask('ready');
    return Clock.opened(bench, database, program, listener);
  }

  private static async opened(bench: Bench, database: string, program: Program, listener?: Program): Promise<Clock> {
    await program.ask('ready');
    const clock = new Clock(bench, program, database, listener);
    await clock.partitioned();
    return clock;
  }

  get pid(): number {
    return this.program.pid;
  }

  /** Tells the relay of what was written behind its back, as another instance would. */
  async tell(): Promise<void> {
    await this.bench.house.sql(this.database, `SELECT pg_notify('banyan_clock', 'published')`);
  }

  /** Milliseconds from one message's commit to the start of its handler in the listener's process. */
  async commitToOtherProcess(n: number): Promise<number> {
    const { listener } = this;
    if (!listener) throw new Error('Nobody listens.');
    const heard = listener.ask<number>('next');
    const committedAt = await this.program.ask<number>('tick', { n });
    return (await heard) - committedAt;
  }

  /** Puts events into the log, four of each tower one after another; they are there once the answer is called. */
  async fill(count: number): Promise<() => Promise<void>> {
    const commit = await fillLog(this.bench.house, this.database, `${(this.fills += 1)}`, count);
    this.sent += count;
    return commit;
  }

  /** Fills, and measures the milliseconds until the first `sample` of the events have been handled. */
  async drain(count: number, sample = count): Promise<number> {
    const upTo = this.sent + sample;
    const commit = await this.fill(count);
    await this.bench.house.settleDown();
    await commit();
    return this.program.ask('drain', { upTo });
  }

  /** Median milliseconds from a commit to the handler's start, of so many messages one after another. */
  commitToHandler(count: number): Promise<number> {
    return this.program.ask('commitToHandler', { count });
  }

  /** How many effects there are, and how many messages there were. */
  async effects(): Promise<{ written: number; sent: number }> {
    const [row] = await this.bench.house.sql<{ written: string; sent: string }>(
      this.database,
      'SELECT (SELECT count(*) FROM listener.heard) AS written, (SELECT count(*) FROM clock.outbox) AS sent',
    );
    return { written: Number(row?.written), sent: Number(row?.sent) };
  }

  async close(): Promise<void> {
    await this.bench.house.dropDatabase(await this.leave());
  }

  /** Stops the bus; answers the database that it leaves behind. */
  async leave(): Promise<string> {
    await Promise.all([this.program.stop(), this.listener?.stop()]);
    return this.database;
  }

  /** The bus makes the days of its log while it starts. */
  private async partitioned(): Promise<void> {
    await this.program.until(async () => {
      const [row] = await this.bench.house.sql<{ there: boolean }>(
        this.database,
        `SELECT count(*) > 2 AS there FROM pg_inherits WHERE inhparent = 'clock.outbox'::regclass`,
      );
      return row?.there === true;
    });
  }
}

/**
 * Puts events into a clock's log in one transaction that the answer commits, so that nobody sees them sooner. `fill` makes
 * their towers new ones.
 */
export async function fillLog(
  house: House,
  database: string,
  fill: string,
  count: number,
): Promise<() => Promise<void>> {
  const session = await house.connect(database);
  await session.query('BEGIN');
  await session.query(
    `INSERT INTO clock.stream (topic, key, last_sequence)
     SELECT 'clock.events', $1 || '-' || tower, least(${PER_TOWER}, $2 - tower * ${PER_TOWER})
     FROM generate_series(0, ($2::bigint - 1) / ${PER_TOWER}) AS tower`,
    [fill, count],
  );
  await session.query(
    `INSERT INTO clock.outbox (position, day, topic, key, sequence, id, type, subject, time, correlation_id, traceparent, data)
     SELECT nextval('clock.outbox_position'), (now() AT TIME ZONE 'UTC')::date, 'clock.events', $1 || '-' || n / ${PER_TOWER},
            n % ${PER_TOWER} + 1, gen_random_uuid(), 'clock.ticked.v1', $1 || '-' || n / ${PER_TOWER}, now(), gen_random_uuid()::text,
            '00-' || repeat('1', 32) || '-' || repeat('2', 16) || '-00',
            json_build_object('tower', $1 || '-' || n / ${PER_TOWER}, 'n', n)::text
     FROM generate_series(0, $2::bigint - 1) AS n`,
    [fill, count],
  );
  return async () => {
    await session.query('COMMIT');
    await session.end();
  };
}
