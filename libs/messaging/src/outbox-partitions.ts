import { Database, Transaction } from '@banyan/persistence';

// Enough that an app which is up once a week never meets a day without a partition.
const DAYS_AHEAD = 7;
const DAY_MS = 86_400_000;
const GIVE_WAY_MS = 500;
const ONE_AT_A_TIME = `SELECT pg_advisory_xact_lock(hashtext('outbox partitions'), hashtext(current_schema()))`;

/** The log's days: made ahead of time, dropped when they have been kept long enough and everybody is past them. */
export class OutboxPartitions {
  constructor(private readonly database: Database) {}

  /** Makes the partitions of yesterday to a week ahead; safe when several instances do it at once. */
  async makeAhead(now: Date): Promise<void> {
    const existing = new Set((await this.list()).map(({ day }) => day));
    for (let offset = -1; offset <= DAYS_AHEAD; offset += 1) {
      const day = dayOf(new Date(now.getTime() + offset * DAY_MS));
      if (!existing.has(day)) await this.make(day);
    }
  }

  /**
   * Drops the days before the last `retentionDays` that lie wholly at or before `passed`, the position that every
   * destination is past, and remembers how much of the log is gone. Throws where writers keep it waiting.
   */
  async dropOld(now: Date, retentionDays: number, passed: number): Promise<void> {
    const oldest = dayOf(new Date(now.getTime() - retentionDays * DAY_MS));
    for (const { name, day } of await this.list()) {
      if (day >= oldest || !(await this.drop(name, passed))) break;
    }
  }

  private async drop(name: string, passed: number): Promise<boolean> {
    return this.database.transaction(async (tx) => {
      // Dropping waits for everybody who uses the log, and everybody else waits behind it: so it gives up soon.
      await tx.query(`SET LOCAL lock_timeout = ${GIVE_WAY_MS}`);
      await tx.query(ONE_AT_A_TIME);
      if (!(await exists(tx, name))) return true;
      const [last] = await tx.query<{ position: number }>(
        `SELECT coalesce(max(position), 0) AS position FROM "${name}"`,
      );
      const through = last?.position ?? 0;
      if (through > passed) return false;
      await tx.query('UPDATE outbox_dropped SET through = greatest(through, $1)', [through]);
      await tx.query(`DROP TABLE "${name}"`);
      return true;
    });
  }

  private async make(day: string): Promise<void> {
    const next = dayOf(new Date(Date.parse(day) + DAY_MS));
    const name = `outbox_${day.replaceAll('-', '_')}`;
    // Made apart and then attached: that lets writers go on, which making it in place would not.
    await this.database.transaction(async (tx) => {
      await tx.query(ONE_AT_A_TIME);
      if (await exists(tx, name)) return;
      await tx.query(`CREATE TABLE "${name}" (LIKE outbox INCLUDING DEFAULTS INCLUDING CONSTRAINTS)`);
      await tx.query(`ALTER TABLE outbox ATTACH PARTITION "${name}" FOR VALUES FROM ('${day}') TO ('${next}')`);
    });
  }

  private async list(): Promise<{ name: string; day: string }[]> {
    const rows = await this.database.query<{ name: string }>(
      `SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
       WHERE i.inhparent = 'outbox'::regclass ORDER BY c.relname`,
    );
    return rows.map(({ name }) => ({ name, day: name.slice('outbox_'.length).replaceAll('_', '-') }));
  }
}

async function exists(tx: Transaction, name: string): Promise<boolean> {
  const [found] = await tx.query<{ there: boolean }>(`SELECT to_regclass($1) IS NOT NULL AS there`, [name]);
  return found?.there === true;
}

function dayOf(time: Date): string {
  return time.toISOString().slice(0, 10);
}
