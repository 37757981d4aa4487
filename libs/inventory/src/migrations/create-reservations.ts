import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateReservations1795183200003 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE reservation (
        order_id uuid PRIMARY KEY,
        reservation_id uuid,
        state text NOT NULL,
        shortages jsonb,
        decided_at timestamptz NOT NULL,
        committed_at timestamptz,
        released_at timestamptz,
        CONSTRAINT reservation_shape CHECK (
          (shortages IS NOT NULL) = (state = 'refused')
          AND (reservation_id IS NULL) = (state = 'refused')
          AND (released_at IS NOT NULL) = (state = 'released')
          AND CASE state
                WHEN 'held' THEN committed_at IS NULL
                WHEN 'committed' THEN committed_at IS NOT NULL
                WHEN 'released' THEN true
                WHEN 'refused' THEN committed_at IS NULL
                ELSE false
              END
        )
      )`);
    // What is held at this moment, among a million orders that have ended.
    await runner.query(`CREATE INDEX reservation_held ON reservation (order_id) WHERE state = 'held'`);
    // No foreign keys on what every order writes: checking them took as long as all the rest of holding an order. A line is
    // written together with its reservation, under the lock of its product's stock, and none of the three is ever deleted.
    await runner.query(`
      CREATE TABLE reservation_line (
        order_id uuid NOT NULL,
        product_id uuid NOT NULL,
        quantity bigint NOT NULL CHECK (quantity > 0),
        PRIMARY KEY (order_id, product_id)
      )`);
    await runner.query(`
      CREATE FUNCTION refuse_reservation_change() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        RAISE EXCEPTION 'the reservation of order % is %, and cannot become %', OLD.order_id, OLD.state, NEW.state
          USING ERRCODE = 'check_violation', CONSTRAINT = 'reservation_ends_once';
      END $$`);
    // The condition stands in the trigger, so that a lawful change does not even call the function.
    await runner.query(`
      CREATE TRIGGER reservation_ends_once BEFORE UPDATE OF state ON reservation FOR EACH ROW
      WHEN (NOT (OLD.state = 'held' AND NEW.state IN ('committed', 'released')
              OR OLD.state = 'committed' AND NEW.state = 'released'))
      EXECUTE FUNCTION refuse_reservation_change()`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE reservation_line');
    await runner.query('DROP TABLE reservation');
    await runner.query('DROP FUNCTION refuse_reservation_change');
  }
}
