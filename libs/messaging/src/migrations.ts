import { Migration } from '@banyan/persistence';
import { QueryRunner } from 'typeorm';

/** The tables of the bus in a module's schema. Docs: docs/adr (the outbox as a log). */
export class Messaging1700000000001 {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- The outbox: a log of what the module sent. Rows are never touched to mark progress; each destination keeps its own
      -- position. Partitioned by day, so that what has been kept long enough is dropped as a whole.
      CREATE SEQUENCE outbox_position AS bigint CACHE 1;
      CREATE TABLE outbox (
        position       bigint      NOT NULL DEFAULT nextval('outbox_position'),
        day            date        NOT NULL,
        topic          text        NOT NULL,
        key            text        NOT NULL,
        sequence       bigint      NOT NULL CHECK (sequence > 0),
        id             uuid        NOT NULL,
        type           text        NOT NULL,
        subject        text        NOT NULL,
        time           timestamptz NOT NULL,
        correlation_id text        NOT NULL,
        causation_id   text,
        traceparent    text,
        tracestate     text,
        data           text        NOT NULL,
        PRIMARY KEY (position, day)
      ) PARTITION BY RANGE (day);
      CREATE INDEX outbox_key ON outbox (key);

      -- The counter of each stream. Its row is locked until commit, so the order of a stream is the order of commits. Never
      -- pruned, and never derived from the log, whose rows go.
      CREATE TABLE stream (
        topic         text   NOT NULL,
        key           text   NOT NULL,
        last_sequence bigint NOT NULL,
        PRIMARY KEY (topic, key)
      ) WITH (fillfactor = 80);

      -- How far each source has been consumed, and by whom. 'complete': the source still had its very first message when
      -- this subscriber began, so a stream that does not begin with 1 has lost something. 'topics': those it listens to.
      CREATE TABLE subscription (
        source      text        PRIMARY KEY,
        topics      text[]      NOT NULL,
        position    bigint      NOT NULL,
        complete    boolean     NOT NULL,
        epoch       bigint      NOT NULL,
        owner       uuid        NOT NULL,
        presence    bigint      NOT NULL,
        lease_until timestamptz NOT NULL
      ) WITH (fillfactor = 50);

      -- What this subscriber has taken over of each stream: repeats are dropped by it, jumps are seen by it. Never pruned.
      CREATE TABLE stream_memory (
        source        text    NOT NULL,
        topic         text    NOT NULL,
        key           text    NOT NULL,
        last_sequence bigint  NOT NULL,
        held          boolean NOT NULL DEFAULT false,
        PRIMARY KEY (source, topic, key)
      ) WITH (fillfactor = 80);

      -- Messages that are not handled yet though their position has passed: failed and to be tried again, parked for a
      -- person, or waiting behind one of those in their stream.
      CREATE TABLE held_message (
        id              uuid        NOT NULL,
        source          text        NOT NULL,
        topic           text        NOT NULL,
        key             text        NOT NULL,
        sequence        bigint      NOT NULL,
        type            text        NOT NULL,
        headers         jsonb       NOT NULL,
        data            text        NOT NULL,
        state           text        NOT NULL CHECK (state IN ('retrying', 'parked', 'waiting')),
        attempts        integer     NOT NULL DEFAULT 0,
        error_code      text,
        error           text,
        next_attempt_at timestamptz,
        held_at         timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (source, topic, key, sequence)
      );
      CREATE INDEX held_message_due ON held_message (next_attempt_at) WHERE state = 'retrying';

      -- What was done with parked messages, by whom and why.
      CREATE TABLE held_message_act (
        at         timestamptz NOT NULL DEFAULT now(),
        act        text        NOT NULL,
        message_id uuid        NOT NULL,
        source     text        NOT NULL,
        topic      text        NOT NULL,
        key        text        NOT NULL,
        sequence   bigint      NOT NULL,
        type       text        NOT NULL,
        who        text        NOT NULL,
        why        text        NOT NULL
      );

      -- How much of the log's beginning has been dropped.
      CREATE TABLE outbox_dropped (only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row), through bigint NOT NULL);
      INSERT INTO outbox_dropped (through) VALUES (0);
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE outbox_dropped, held_message_act, held_message, stream_memory, subscription, stream, outbox;
      DROP SEQUENCE outbox_position;
    `);
  }
}

/** What operators do: their acts on parked messages with the content they changed, and replays. */
export class OperatorActs1700000000002 {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- What the content was and what an operator made of it. Goes with the retention of the log, and with an erasure.
      ALTER TABLE held_message_act ADD COLUMN original text, ADD COLUMN edited text;
      CREATE INDEX held_message_act_stream ON held_message_act (source, topic, key, sequence);
      CREATE INDEX held_message_id ON held_message (id);

      -- When this subscriber was put back, how far, by whom and why.
      CREATE TABLE replay (
        at            timestamptz NOT NULL DEFAULT now(),
        source        text        NOT NULL,
        topics        text[]      NOT NULL,
        from_position bigint      NOT NULL,
        to_position   bigint      NOT NULL,
        who           text        NOT NULL,
        why           text        NOT NULL
      );
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE replay;
      DROP INDEX held_message_id, held_message_act_stream;
      ALTER TABLE held_message_act DROP COLUMN original, DROP COLUMN edited;
    `);
  }
}

/** Subscribers that went to another database: what they left behind is nobody's to go on with. */
export class MovedSubscribers1700000000003 {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE subscription ADD COLUMN moved_at timestamptz;
      -- 'moved_state': what the state was before it became 'moved'.
      ALTER TABLE held_message ADD COLUMN moved_state text, DROP CONSTRAINT held_message_state_check,
        ADD CONSTRAINT held_message_state_check
          CHECK (state IN ('retrying', 'parked', 'waiting', 'moved') AND (state = 'moved') = (moved_state IS NOT NULL));
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE held_message DROP CONSTRAINT held_message_state_check, DROP COLUMN moved_state,
        ADD CONSTRAINT held_message_state_check CHECK (state IN ('retrying', 'parked', 'waiting'));
      ALTER TABLE subscription DROP COLUMN moved_at;
    `);
  }
}

/** What goes over Kafka: a publisher's topics as destinations of its log, a subscriber's places in partitions. */
export class OverKafka1700000000004 {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- Which of the two brings the subscriber what the source sends: one at a time.
      ALTER TABLE subscription ADD COLUMN transport text NOT NULL DEFAULT 'in-process'
        CHECK (transport IN ('in-process', 'kafka'));

      -- How much of the log has been sent to each topic of Kafka, and by whom; columns as in 'subscription'. 'cluster' and
      -- 'sent' (partition: offset) recognise a Kafka that was wiped, so that everything is sent again.
      CREATE TABLE relay (
        topic       text        PRIMARY KEY,
        topics      text[]      NOT NULL,
        position    bigint      NOT NULL,
        complete    boolean     NOT NULL,
        epoch       bigint      NOT NULL,
        owner       uuid        NOT NULL,
        presence    bigint      NOT NULL,
        lease_until timestamptz NOT NULL,
        cluster     text,
        sent        jsonb       NOT NULL DEFAULT '{}'
      ) WITH (fillfactor = 50);

      -- Where this subscriber reads on in each partition, for each source that speaks there. This is the truth; the offsets
      -- that Kafka keeps are for display. 'last_id': the record before, by which the partition is recognised.
      CREATE TABLE kafka_position (
        source      text    NOT NULL,
        topic       text    NOT NULL,
        partition   integer NOT NULL,
        next_offset bigint  NOT NULL,
        last_id     text,
        PRIMARY KEY (source, topic, partition)
      ) WITH (fillfactor = 50);
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE kafka_position, relay; ALTER TABLE subscription DROP COLUMN transport;`);
  }
}

/** To be put first in the list of a module's migrations. */
export const messagingMigrations: readonly Migration[] = [
  Messaging1700000000001,
  OperatorActs1700000000002,
  MovedSubscribers1700000000003,
  OverKafka1700000000004,
];
