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

class IdempotencyKeysAbout1795132800003 implements MigrationInterface {
  readonly name = 'IdempotencyKeysAbout1795132800003';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('alter table idempotency_key add column about text');
    await runner.query('create index idempotency_key_about on idempotency_key (about) where about is not null');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table idempotency_key drop column about');
  }
}

/** For the migrations of each module that uses `Idempotency`. */
export const idempotencyMigrations = [IdempotencyKeys1795132800001, IdempotencyKeysAbout1795132800003];
