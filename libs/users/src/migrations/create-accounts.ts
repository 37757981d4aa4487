import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateAccounts1795183200101 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE account (
        id uuid PRIMARY KEY,
        email text NOT NULL CHECK (email <> ''),
        email_folded text NOT NULL CONSTRAINT account_email UNIQUE,
        name text NOT NULL CHECK (name <> ''),
        roles text[] NOT NULL CHECK (roles <@ '{customer,admin}' AND roles <> '{}'),
        password_hash text NOT NULL,
        created_at timestamptz NOT NULL
      )`);
    await runner.query(`
      CREATE TABLE refresh_token (
        token_hash bytea PRIMARY KEY CHECK (length(token_hash) = 32),
        family uuid NOT NULL,
        user_id uuid NOT NULL REFERENCES account ON DELETE CASCADE,
        issued_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        spent_at timestamptz
      )`);
    await runner.query('CREATE INDEX refresh_token_family ON refresh_token (family)');
    await runner.query('CREATE INDEX refresh_token_user ON refresh_token (user_id, expires_at)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE refresh_token');
    await runner.query('DROP TABLE account');
  }
}
