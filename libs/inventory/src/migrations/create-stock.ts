import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateStock1795183200002 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // A few rows that every order updates: half of each page is left free, so that an update stays on its page and
    // touches no index.
    await runner.query(`
      CREATE TABLE stock (
        product_id uuid PRIMARY KEY REFERENCES product,
        on_hand bigint NOT NULL,
        reserved bigint NOT NULL DEFAULT 0,
        CONSTRAINT stock_never_oversold CHECK (0 <= reserved AND reserved <= on_hand)
      ) WITH (fillfactor = 50)`);

    // The ledger: what is on hand is the sum of it. The key carries the quantity, so summing reads only the index.
    // Its products are known without a foreign key: each row is written under the lock of its product's stock.
    await runner.query(`
      CREATE TABLE stock_movement (
        product_id uuid NOT NULL,
        id bigint GENERATED ALWAYS AS IDENTITY,
        kind text NOT NULL CHECK (kind IN ('initial', 'adjusted', 'restocked', 'sold', 'put-back')),
        quantity bigint NOT NULL CHECK (quantity <> 0),
        order_id uuid,
        reason text,
        moved_at timestamptz NOT NULL,
        PRIMARY KEY (product_id, id) INCLUDE (quantity),
        CONSTRAINT stock_movement_of_an_order CHECK ((order_id IS NOT NULL) = (kind IN ('restocked', 'sold', 'put-back'))),
        CONSTRAINT stock_movement_direction CHECK (
          CASE kind WHEN 'initial' THEN quantity > 0 WHEN 'sold' THEN quantity < 0 WHEN 'put-back' THEN quantity > 0 ELSE true END
        )
      )`);
    await runner.query(`
      CREATE UNIQUE INDEX stock_movement_once ON stock_movement (order_id, product_id, kind)
      WHERE kind IN ('sold', 'put-back')`);
    await runner.query(`
      CREATE INDEX stock_movement_restocked ON stock_movement (order_id, product_id) INCLUDE (quantity)
      WHERE kind = 'restocked'`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE stock_movement');
    await runner.query('DROP TABLE stock');
  }
}
