import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreatePayments1795183200001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE payment (
        -- The id of the command that asked for it: a command heard twice asks the provider with the same key.
        id uuid PRIMARY KEY,
        order_id uuid NOT NULL CONSTRAINT payment_one_per_order UNIQUE,
        customer_id uuid NOT NULL,
        amount bigint NOT NULL CHECK (amount > 0),
        currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
        provider text NOT NULL,
        status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'captured', 'declined', 'voided')),
        decline_reason text CHECK ((status = 'declined') = (decline_reason IS NOT NULL)),
        -- Single-use, and gone as soon as it is spent.
        token text CHECK ((status = 'pending') = (token IS NOT NULL)),
        -- A cancellation waits for the outcome. On this row and not beside it, so that whoever settles the row sees it.
        cancelling boolean NOT NULL DEFAULT false,
        -- Set aside to be given back, and known to have been.
        refunded bigint NOT NULL DEFAULT 0 CHECK (refunded >= 0 AND refunded <= amount),
        given_back bigint NOT NULL DEFAULT 0 CHECK (given_back >= 0 AND given_back <= refunded),
        CHECK (refunded = 0 OR status = 'captured'),
        -- While pending: when somebody asks the provider if nobody has settled it by then.
        ask_again_at timestamptz NOT NULL,
        cause jsonb NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now()
      );
      CREATE INDEX payment_unsettled ON payment (ask_again_at) WHERE status = 'pending';

      CREATE TABLE refund (
        id uuid PRIMARY KEY,
        payment_id uuid NOT NULL REFERENCES payment,
        amount bigint NOT NULL CHECK (amount > 0),
        purpose text NOT NULL CHECK (purpose IN ('refund', 'cancellation')),
        status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'settled')),
        ask_again_at timestamptz NOT NULL,
        cause jsonb NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        settled_at timestamptz CHECK ((status = 'settled') = (settled_at IS NOT NULL))
      );
      CREATE INDEX refund_of_payment ON refund (payment_id);
      CREATE UNIQUE INDEX refund_one_cancellation ON refund (payment_id) WHERE purpose = 'cancellation';
      CREATE INDEX refund_unsettled ON refund (ask_again_at) WHERE status = 'pending';

      -- One for every order whose payment was cancelled, also where none was asked for: that one then never may be.
      CREATE TABLE cancellation (
        order_id uuid PRIMARY KEY,
        -- The commands that asked for it, each of which is answered once.
        asked_by uuid[] NOT NULL CHECK (cardinality(asked_by) > 0),
        refunded_amount bigint CHECK (refunded_amount >= 0),
        refunded_currency text CHECK ((refunded_currency IS NULL) = (refunded_amount IS NULL)),
        cause jsonb NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        answered_at timestamptz CHECK ((answered_at IS NULL) = (refunded_amount IS NULL))
      );

      CREATE FUNCTION refuse_leaving_a_terminal_state() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        RAISE EXCEPTION '% % is %, which it can no longer leave', TG_TABLE_NAME, OLD.id, OLD.status
          USING ERRCODE = 'integrity_constraint_violation';
      END $$;
      CREATE TRIGGER payment_ends_once BEFORE UPDATE ON payment FOR EACH ROW
        WHEN (OLD.status <> 'pending' AND NEW.status <> OLD.status) EXECUTE FUNCTION refuse_leaving_a_terminal_state();
      CREATE TRIGGER refund_ends_once BEFORE UPDATE ON refund FOR EACH ROW
        WHEN (OLD.status <> 'pending' AND NEW.status <> OLD.status) EXECUTE FUNCTION refuse_leaving_a_terminal_state();

      CREATE FUNCTION refuse_taking_back() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        RAISE EXCEPTION 'what was promised for payment % cannot be taken back', OLD.id
          USING ERRCODE = 'integrity_constraint_violation';
      END $$;
      CREATE TRIGGER payment_refunds_only_grow BEFORE UPDATE ON payment FOR EACH ROW
        WHEN (NEW.refunded < OLD.refunded OR NEW.given_back < OLD.given_back OR NEW.amount <> OLD.amount
              OR NEW.currency <> OLD.currency)
        EXECUTE FUNCTION refuse_taking_back();
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE cancellation, refund, payment;
      DROP FUNCTION refuse_leaving_a_terminal_state, refuse_taking_back;
    `);
  }
}
