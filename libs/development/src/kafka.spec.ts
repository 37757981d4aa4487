import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Kafka, logLevel, Partitioners } from 'kafkajs';
import { describeWithOwnKafka } from '../../../test/kafka/describe-with-kafka';
import { FolderInUse, KafkaUnavailable } from './errors';
import { kafkaStatus, removeKafka, startKafka, stopKafka, type KafkaCluster, type KafkaOptions } from './kafka';

// The first one ever waits for a download.
jest.setTimeout(180_000);

describeWithOwnKafka('Kafka for development', () => {
  const told: string[] = [];
  const started: KafkaCluster[] = [];
  let folder: string;

  const start = async (options: Partial<KafkaOptions> = {}) => {
    const kafka = await startKafka({ folder, tell: (line) => told.push(line), ...options });
    started.push(kafka);
    told.splice(0, told.length, ...told.filter((line) => !/Fetching|Waiting|is in/.test(line)));
    return kafka;
  };

  beforeEach(() => {
    told.length = 0;
    folder = mkdtempSync(join(tmpdir(), 'banyan-kafka-'));
  });

  afterEach(async () => {
    for (const kafka of started.splice(0)) await kafka.stop();
    await removeKafka(folder);
    rmSync(folder, { recursive: true, force: true });
  });

  it('keeps its data and its address from one start to the next, however it ended', async () => {
    const first = await start();
    await createTopic(first, 'letters');
    await send(first, 'letters', 'before the stop');
    await first.stop();
    expect(await kafkaStatus(folder)).toMatchObject({ serves: false, brokers: [{ pid: null }] });

    const second = await start();
    expect(second.brokers).toEqual(first.brokers);
    await send(second, 'letters', 'before the kill');
    await second.nodes[0]!.kill();
    expect(await kafkaStatus(folder)).toMatchObject({ serves: false, brokers: [{ pid: null }] });
    await second.nodes[0]!.start();
    await send(second, 'letters', 'after it');
    expect(await read(second, 'letters', 3)).toEqual(['before the stop', 'before the kill', 'after it']);
    expect(told).toEqual([]);
  });

  it('is started again when others kill it', async () => {
    const kafka = await start();
    process.kill(kafka.nodes[0]!.pid, 'SIGKILL');
    await until(() => told.length > 0);
    expect(told).toEqual([expect.stringContaining('had ended')]);
    expect(await kafkaStatus(folder)).toMatchObject({ serves: true });
  });

  it('has one owner at a time, and is adopted when that one is killed', async () => {
    const owner = await startInOtherProcess(folder);
    await expect(start()).rejects.toThrow(FolderInUse);
    await kill(owner.process);

    const adopter = await start();
    expect({ brokers: adopter.brokers, pid: adopter.nodes[0]!.pid }).toEqual({
      brokers: owner.brokers,
      pid: owner.pid,
    });
    await adopter.stop();
    expect(isAlive(owner.pid)).toBe(false);
  });

  it('is replaced when it was left over and does not answer any more', async () => {
    const owner = await startInOtherProcess(folder);
    await kill(owner.process);
    process.kill(owner.pid, 'SIGSTOP');

    const { brokers, nodes } = await start();
    expect(nodes[0]!.pid).not.toBe(owner.pid);
    expect(isAlive(owner.pid)).toBe(false);
    expect(brokers).toEqual(owner.brokers);
    expect(told).toEqual([expect.stringContaining('does not answer: replaced')]);
  });

  it('ends when the process that started it comes to its end without stopping it', async () => {
    const owner = await startInOtherProcess(folder);
    owner.process.send('exit');
    await until(() => !isAlive(owner.pid));
  });

  it('goes on where it was left, and whoever finds it there leaves it too', async () => {
    const first = await start();
    first.leave();
    const second = await start();
    expect(second.nodes[0]!.pid).toBe(first.nodes[0]!.pid);
    await expect(stopKafka(folder)).rejects.toThrow(FolderInUse);
    await second.stop();
    expect(await kafkaStatus(folder)).toMatchObject({ serves: true });

    await stopKafka(folder);
    expect(isAlive(first.nodes[0]!.pid)).toBe(false);
  });

  it('moves to another port, and says so, where somebody has taken its own', async () => {
    const first = await start();
    await first.stop();
    const squatter = createServer().listen(Number(first.brokers[0]!.split(':')[1]), '127.0.0.1');
    await once(squatter, 'listening');
    try {
      const second = await start();
      expect(second.brokers).not.toEqual(first.brokers);
      expect(told).toEqual([expect.stringContaining(`it is at ${second.brokers[0]} now`)]);
    } finally {
      squatter.close();
    }
  });

  it('of three brokers goes on when one is killed, and has it back', async () => {
    const kafka = await start({ brokers: 3 });
    await createTopic(kafka, 'letters', 3);
    await kafka.nodes[0]!.kill();
    await send(kafka, 'letters', 'with two');
    await kafka.nodes[0]!.start();
    await send(kafka, 'letters', 'with three');
    expect(await read(kafka, 'letters', 2)).toEqual(['with two', 'with three']);
    await kafka.stop();

    await expect(start({ brokers: 1 })).rejects.toThrow(KafkaUnavailable);
    await expect(start({ brokers: 1 })).rejects.toThrow('has 3 broker(s), not 1');
  });
});

// Half a minute of patience: a broker that comes back is let in by the others after seconds.
const clientOf = ({ brokers }: KafkaCluster) =>
  new Kafka({
    brokers,
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: 30 },
  });

async function createTopic(kafka: KafkaCluster, topic: string, replicationFactor = 1): Promise<void> {
  const admin = clientOf(kafka).admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: 1, replicationFactor }], waitForLeaders: true });
  await admin.disconnect();
}

async function send(kafka: KafkaCluster, topic: string, value: string): Promise<void> {
  const producer = clientOf(kafka).producer({
    createPartitioner: Partitioners.DefaultPartitioner,
    retry: { retries: 20 },
  });
  await producer.connect();
  try {
    await producer.send({ topic, acks: -1, messages: [{ value }] });
  } finally {
    await producer.disconnect();
  }
}

async function read(kafka: KafkaCluster, topic: string, count: number): Promise<string[]> {
  const consumer = clientOf(kafka).consumer({ groupId: 'readers' });
  const values: string[] = [];
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message }) => {
      values.push(String(message.value));
    },
  });
  await until(() => values.length >= count);
  await consumer.disconnect();
  return values;
}

/** A Node of its own that starts a Kafka, tells where, and waits to be killed. */
async function startInOtherProcess(folder: string): Promise<{ process: ChildProcess; brokers: string[]; pid: number }> {
  const child = fork(join(__dirname, '../test/start-kafka-and-wait.ts'), [folder], {
    execArgv: ['--require', join(__dirname, '../../../test/run-from-source.cjs')],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const [told] = (await once(child, 'message')) as [{ brokers: string[]; pid: number }];
  return { process: child, ...told };
}

async function kill(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

/** Alive and not a zombie that nobody collects. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

async function until(holds: () => unknown): Promise<void> {
  const giveUpAt = Date.now() + 30_000;
  while (!(await holds())) {
    if (Date.now() > giveUpAt) throw new Error('What the test waits for did not come.');
    await wait(20);
  }
}
