import type { MigrationInterface, QueryRunner } from 'typeorm';

class IdempotencyKeys1795132800001 implements MigrationInterface {
  readonly name = 'IdempotencyKeys1795132800001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table idempotency_key (
        caller text not null,
        key text not null check (length(key) between 1 and 255),
        fingerprint text not null,
        -- text and not jsonb: the answer is given again byte for byte.
        answer text not null,
        created_at timestamptz not null default now(),
        primary key (caller, key)
      )`);
    await runner.query('create index idempotency_key_created_at on idempotency_key (created_at)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table idempotency_key');
  }
}

/** For the migrations of each module that uses `Idempotency`. */
export const idempotencyMigrations = [IdempotencyKeys1795132800001];
