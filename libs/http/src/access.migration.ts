import type { MigrationInterface, QueryRunner } from 'typeorm';

class Access1795132800002 implements MigrationInterface {
  readonly name = 'Access1795132800002';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table verification_key (
        kid text primary key,
        public_key jsonb not null,
        not_before timestamptz not null,
        expires_at timestamptz not null
      )`);
    await runner.query(`
      create table erased_user (
        user_id uuid primary key,
        recorded_at timestamptz not null default clock_timestamp()
      )`);
    await runner.query('create index erased_user_recorded_at on erased_user (recorded_at)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table erased_user');
    await runner.query('drop table verification_key');
  }
}

/** For the migrations of each module that has routes: the keys that tokens are checked with, and who was erased. */
export const accessMigrations = [Access1795132800002];
