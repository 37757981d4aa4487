import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateSigningKeys1795183200102 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE signing_key (
        kid text PRIMARY KEY,
        public_key jsonb NOT NULL,
        -- Encrypted with SIGNING_KEY_SECRET, so that a copy of the database signs nothing.
        sealed_private_key bytea NOT NULL,
        not_before timestamptz NOT NULL,
        renew_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        CHECK (not_before < renew_at),
        CHECK (not_before < expires_at)
      )`);
    await runner.query('CREATE INDEX signing_key_expires_at ON signing_key (expires_at)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE signing_key');
  }
}
