import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateProducts1795183200001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // The collation is named because `lower` must mean the same whatever locale the database was made with.
    await runner.query(`
      CREATE TABLE product (
        id uuid PRIMARY KEY,
        sku text NOT NULL CONSTRAINT product_sku UNIQUE CHECK (sku <> ''),
        name text NOT NULL CHECK (name <> ''),
        price bigint NOT NULL CHECK (price > 0),
        currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
        listed_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        searchable text NOT NULL GENERATED ALWAYS AS (lower((sku || E'\\n' || name) COLLATE pg_c_utf8)) STORED
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE product');
  }
}
