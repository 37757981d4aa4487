import { Migration } from '@banyan/persistence';
import { QueryRunner } from 'typeorm';

// One of the bus has this number, too. Databases know both by name, and neither needs the other, so it stays.
export class ProcessManager1700000000002 {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE process (
        name           text        NOT NULL,
        key            text        NOT NULL,
        version        integer     NOT NULL,
        state          jsonb       NOT NULL,
        record         jsonb       NOT NULL,
        correlation_id text        NOT NULL,
        deadline_at    timestamptz,
        started_at     timestamptz NOT NULL,
        ended_at       timestamptz,
        PRIMARY KEY (name, key)
      ) WITH (fillfactor = 70);
      CREATE INDEX process_deadline ON process (name, deadline_at) WHERE deadline_at IS NOT NULL;
      CREATE INDEX process_open ON process (name, started_at) WHERE ended_at IS NULL;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE process');
  }
}

/** To be put into a module's migrations, after the bus's. */
export const processManagerMigrations: readonly Migration[] = [ProcessManager1700000000002];
