import type { QueryRunner } from 'typeorm';

export class Orders1700000001000 {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- The catalogue and the customers as orders has heard of them.
      CREATE TABLE product (
        id             uuid   PRIMARY KEY,
        sku            text   NOT NULL,
        name           text   NOT NULL,
        price_amount   bigint NOT NULL CHECK (price_amount > 0),
        price_currency text   NOT NULL
      );
      CREATE TABLE customer (
        id   uuid PRIMARY KEY,
        name text NOT NULL
      );

      -- An order is its own idempotency record: customer and key are unique, and the first answer can be made again from
      -- what never changes, with the customer's name as it was then.
      CREATE TABLE "order" (
        id              uuid        PRIMARY KEY,
        customer_id     uuid        NOT NULL,
        name_when_placed text,
        idempotency_key text        NOT NULL,
        fingerprint     text        NOT NULL,
        status          text        NOT NULL CHECK (status IN ('pending', 'confirmed', 'cancelling', 'cancelled')),
        cancel_reason   text        CHECK (cancel_reason IN ('out-of-stock', 'payment-declined', 'timed-out', 'customer-request', 'admin-request')),
        cancel_note     text,
        items           jsonb       NOT NULL,
        total_amount    bigint      NOT NULL CHECK (total_amount > 0),
        total_currency  text        NOT NULL,
        placed_at       timestamptz NOT NULL,
        updated_at      timestamptz NOT NULL,
        CHECK ((cancel_reason IS NOT NULL) = (status IN ('cancelling', 'cancelled'))),
        CONSTRAINT order_idempotency_key UNIQUE (customer_id, idempotency_key)
      ) WITH (fillfactor = 80);
      CREATE INDEX order_of_customer ON "order" (customer_id, id);
      CREATE INDEX order_open ON "order" (status, id) WHERE status IN ('pending', 'cancelling');
      CREATE INDEX order_cancelled ON "order" (id) WHERE status = 'cancelled';

      -- Every change of status, for the audit.
      CREATE TABLE order_transition (
        order_id    uuid        NOT NULL,
        n           bigint      GENERATED ALWAYS AS IDENTITY,
        from_status text,
        to_status   text        NOT NULL,
        at          timestamptz NOT NULL,
        PRIMARY KEY (order_id, n)
      );

      CREATE FUNCTION keep_order_transitions() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF (OLD.status, NEW.status) NOT IN (
          ('pending', 'confirmed'), ('pending', 'cancelling'), ('pending', 'cancelled'),
          ('confirmed', 'cancelling'), ('cancelling', 'cancelled')
        ) THEN
          RAISE EXCEPTION 'an order does not go from % to %', OLD.status, NEW.status USING ERRCODE = 'check_violation';
        END IF;
        INSERT INTO order_transition (order_id, from_status, to_status, at) VALUES (NEW.id, OLD.status, NEW.status, NEW.updated_at);
        RETURN NEW;
      END $$;
      CREATE TRIGGER keep_order_transitions AFTER UPDATE OF status ON "order"
        FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION keep_order_transitions();
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE order_transition, "order", customer, product;
      DROP FUNCTION keep_order_transitions();
    `);
  }
}
