import { setTimeout as pause } from 'node:timers/promises';
import { Kafka, logLevel } from 'kafkajs';
import { performance } from 'node:perf_hooks';
import type { Bench } from '../bench';
import { comparison, perSecond } from '../figure';
import type { Task } from '../reference/raw-producer';
import { costOf, type Sample } from '../rounds';
import type { Row } from '../row';
import { Clock } from '../subject/clock';

const WHAT = 'outbox to Kafka, against raw kafkajs, batches of 500';
// Short beside what is measured, and rare enough to take nothing from it.
const LOOK_EVERY_MS = 10;
const LONGEST_MS = 120_000;

/** Events that wait in the log are relayed to Kafka, acknowledged and in order. */
export const outboxToKafka: Row = {
  name: 'outbox-to-kafka',
  job: 'outbox to Kafka',
  async measure(bench: Bench) {
    const { house, plan } = bench;
    const count = plan.waitingEvents;
    const kafka = await bench.kafka();
    if ('why' in kafka) return [{ what: WHAT, why: kafka.why }];
    const clock = await Clock.openApart(bench, this.name, kafka.brokers, 'deaf');
    const raw = house.start('reference/raw-producer', {
      env: { DATABASE_URL: house.urlOf(clock.database), KAFKA_BROKERS: kafka.brokers },
    });
    const admin = new Kafka({ brokers: kafka.brokers.split(','), logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    const records = async () =>
      (await admin.fetchTopicOffsets(`${this.name}.clock.events`)).reduce((sum, { high }) => sum + Number(high), 0);
    const sampleOf = ({ result, cpu }: { result: number; cpu: number }): Sample => ({
      value: count / (result / 1_000),
      cpu: cpu / count,
    });
    try {
      const relay = async (): Promise<number> => {
        const goal = (await records()) + count;
        const beganAt = performance.now();
        await clock.tell();
        while ((await records()) < goal) {
          if (performance.now() - beganAt > LONGEST_MS) throw new Error('The log was not relayed in time.');
          await pause(LOOK_EVERY_MS);
        }
        return performance.now() - beganAt;
      };
      const ours = async () => {
        const commit = await clock.fill(count);
        await house.settleDown();
        await commit();
        return sampleOf(await costOf([clock.pid, house.postgresPid, ...kafka.pids], relay));
      };
      const rawly = async () => {
        const task: Task = { count };
        await raw.ask('read', task);
        return sampleOf(await costOf([raw.pid, ...kafka.pids], () => raw.ask<number>('send', task)));
      };
      await ours();
      await rawly();
      const rounds = await bench.rounds(this.name, { ours, raw: rawly });
      return [comparison(WHAT, rounds, ['ours', 'raw'], perSecond, { is: 'least', must: 0.6, aim: 0.8 })];
    } finally {
      await admin.disconnect();
      await raw.stop();
      await clock.close();
    }
  },
};
