import { Database } from '@banyan/persistence';

// Enough that an app which is up once a week never meets a day without a partition.
const DAYS_AHEAD = 7;
const DAY_MS = 86_400_000;

/** The log's days: made ahead of time, dropped when they have been kept long enough and everybody is past them. */
export class OutboxPartitions {
  constructor(
    private readonly database: Database,
    private readonly retentionDays: number,
  ) {}

  /** Makes the partitions of yesterday to a week ahead; safe when several instances do it at once. */
  async makeAhead(now: Date): Promise<void> {
    const existing = new Set((await this.list()).map(({ day }) => day));
    for (let offset = -1; offset <= DAYS_AHEAD; offset += 1) {
      const day = dayOf(new Date(now.getTime() + offset * DAY_MS));
      if (!existing.has(day)) await this.make(day);
    }
  }

  /** Drops the days that are older than the retention and lie wholly at or before `passed`, the position that every destination is past. */
  async dropOld(now: Date, passed: number): Promise<void> {
    const oldest = dayOf(new Date(now.getTime() - this.retentionDays * DAY_MS));
    for (const { name, day } of await this.list()) {
      if (day >= oldest) break;
      const [last] = await this.database.query<{ position: number | null }>(`SELECT max(position) AS position FROM "${name}"`);
      if ((last?.position ?? 0) > passed) break;
      await this.database.transaction(async (tx) => {
        await tx.query('UPDATE outbox_dropped SET through = greatest(through, $1)', [last?.position ?? 0]);
        await tx.query(`DROP TABLE "${name}"`);
      });
    }
  }

  private async make(day: string): Promise<void> {
    const next = dayOf(new Date(Date.parse(day) + DAY_MS));
    const name = `outbox_${day.replaceAll('-', '_')}`;
    // Made apart and then attached: that lets writers go on, which making it in place would not.
    await this.database.transaction(async (tx) => {
      await tx.query(`SELECT pg_advisory_xact_lock(hashtext('outbox partitions'), hashtext(current_schema()))`);
      const [there] = await tx.query<{ there: boolean }>(`SELECT to_regclass('"${name}"') IS NOT NULL AS there`);
      if (there?.there) return;
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

function dayOf(time: Date): string {
  return time.toISOString().slice(0, 10);
}
