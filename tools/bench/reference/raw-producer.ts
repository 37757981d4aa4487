/**
 * A program of the bench: sends what a clock's log holds to a topic of its own, with the settings of the relay, one batch
 * of 500 after another, from memory: without a log to read, positions to keep, or owners.
 */
import { performance } from 'node:perf_hooks';
import { Kafka, logLevel, Partitioners, type Message } from 'kafkajs';
import { Client } from 'pg';
import { answerQuestions } from '../answering';
import { sessionOn } from './session';

const BATCH = 500;
const TOPIC = 'raw.clock.events';
const PARTITIONS = 12;

export interface Task {
  count: number;
}

const kafka = new Kafka({ brokers: (process.env['KAFKA_BROKERS'] as string).split(','), logLevel: logLevel.NOTHING });
const connected = connect();
let records: Message[] = [];

async function connect() {
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ waitForLeaders: true, topics: [{ topic: TOPIC, numPartitions: PARTITIONS }] });
  await admin.disconnect();
  const producer = kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    createPartitioner: Partitioners.DefaultPartitioner,
  });
  await producer.connect();
  return producer;
}

/** Takes the latest events of the log into memory, as records. */
async function read({ count }: Task): Promise<void> {
  const session = new Client(sessionOn(process.env['DATABASE_URL'] as string, 'clock'));
  await session.connect();
  const { rows } = await session.query('SELECT * FROM outbox ORDER BY position DESC LIMIT $1', [count]);
  await session.end();
  records = rows.reverse().map((row) => ({ key: row.key, value: row.data, headers: headersOf(row) }));
  await connected;
}

/** Sends what was read; answers the milliseconds that took. */
async function send(): Promise<number> {
  const producer = await connected;
  const beganAt = performance.now();
  for (let n = 0; n < records.length; n += BATCH) {
    await producer.sendBatch({ acks: -1, topicMessages: [{ topic: TOPIC, messages: records.slice(n, n + BATCH) }] });
  }
  return performance.now() - beganAt;
}

function headersOf(row: Record<string, string> & { time: Date }): Record<string, string> {
  return {
    'content-type': 'application/json',
    ce_specversion: '1.0',
    ce_id: row['id'] as string,
    ce_source: '/banyan/clock',
    ce_type: row['type'] as string,
    ce_subject: row['subject'] as string,
    ce_time: row.time.toISOString(),
    ce_dataschema: `/asyncapi.json#/components/schemas/${row['type']}`,
    ce_partitionkey: row['key'] as string,
    ce_sequence: String(row['sequence']),
    ce_correlationid: row['correlation_id'] as string,
    ce_traceparent: row['traceparent'] as string,
  };
}

answerQuestions({ read, send });
