import { spawn, type ChildProcess } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { KafkaUnavailable } from './errors';
import { signal, worksIn } from './processes';

export interface BrokerPlace {
  id: number;
  /** For clients, on 127.0.0.1. */
  port: number;
  /** For the brokers among themselves: in KRaft one of them leads. */
  controllerPort: number;
}

/** One broker of a cluster: a folder with its data, its log and the number of its process. */
export interface Broker extends BrokerPlace {
  folder: string;
  clusterId: string;
  /** All of them, this one included. */
  cluster: readonly BrokerPlace[];
}

// A developer's machine holds little, and three of these may run on it beside the shop.
const JAVA = ['-Xms64m', '-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Dlog4j2.level=WARN'];
// Of several brokers that end together the last ones would wait five seconds for each other.
const SHUTDOWN_MS = 3_000;
const LOG_LIMIT_BYTES = 20_000_000;

/** The broker's process, where one is alive: started by this process or by an earlier one. */
export function runningBroker({ folder }: Pick<Broker, 'folder'>): number | null {
  let pid: number;
  try {
    pid = Number(readFileSync(join(folder, 'broker.pid'), 'utf8'));
  } catch {
    return null;
  }
  return pid > 0 && worksIn(pid, folder, 'kafka.Kafka') ? pid : null;
}

/**
 * Starts a broker on its data, making that the first time, and returns at once. Nobody else may be running on it.
 * Throws KafkaUnavailable where the data cannot be made.
 */
export async function launchBroker(broker: Broker, jars: string): Promise<ChildProcess> {
  const configuration = join(broker.folder, 'server.properties');
  mkdirSync(broker.folder, { recursive: true });
  writeFileSync(configuration, properties(broker, 'data'));
  if (!existsSync(join(broker.folder, 'data'))) await format(broker, jars);
  const log = openLog(logOf(broker));
  const child = spawn(
    '/bin/sh',
    // The number is written by the process itself: whoever dies now, a broker that nobody knows of cannot come to be.
    [
      '-c',
      'echo $$ > broker.pid; exec "$@"',
      'sh',
      'java',
      ...JAVA,
      '-cp',
      join(jars, '*'),
      'kafka.Kafka',
      configuration,
    ],
    // A group of its own: Ctrl-C is for the app, which stops its broker last.
    { cwd: broker.folder, detached: true, stdio: ['ignore', log, log] },
  );
  closeSync(log);
  // What could not even be started is seen to have ended, by whoever waits for it to serve.
  child.once('error', () => undefined);
  child.unref();
  return child;
}

/** Ends a broker: asks it first, and kills it where that takes longer than a few seconds. Resolves when it is gone. */
export async function endBroker(broker: Broker, how: 'ask' | 'kill' = 'ask'): Promise<void> {
  const pid = runningBroker(broker);
  if (pid === null) return;
  signal(pid, how === 'ask' ? 'SIGTERM' : 'SIGKILL');
  const killAt = Date.now() + SHUTDOWN_MS;
  for (let killed = how === 'kill'; worksIn(pid, broker.folder, 'kafka.Kafka'); await wait(20)) {
    // What a broker has taken is with the operating system already, so a kill loses nothing.
    if (!killed && Date.now() > killAt) signal(pid, 'SIGKILL');
    killed ||= Date.now() > killAt;
  }
  rmSync(join(broker.folder, 'broker.pid'), { force: true });
}

export const logOf = ({ folder }: Broker) => join(folder, 'broker.log');

/** What the broker said last that tells why it ended. */
export function lastWords(broker: Broker): string {
  const lines = readFileSync(logOf(broker), 'utf8').trim().split('\n').slice(-200);
  const telling = lines.filter((line) => /\b(ERROR|FATAL)\b|Exception|not found/.test(line));
  return (telling.at(-1) ?? lines.at(-1) ?? 'it said nothing').trim().slice(0, 300);
}

/** Makes the data beside its place and moves it there whole, so that a start cut short leaves nothing half made. */
async function format(broker: Broker, jars: string): Promise<void> {
  const draft = join(broker.folder, 'data-draft');
  const configuration = join(broker.folder, 'format.properties');
  rmSync(draft, { recursive: true, force: true });
  writeFileSync(configuration, properties(broker, 'data-draft'));
  const log = openLog(logOf(broker));
  const tool = [
    '-cp',
    join(jars, '*'),
    'kafka.tools.StorageTool',
    'format',
    '-t',
    broker.clusterId,
    '-c',
    configuration,
  ];
  const child = spawn('java', [...JAVA, ...tool], { cwd: broker.folder, stdio: ['ignore', log, log] });
  closeSync(log);
  const code = await new Promise((ended) => child.once('error', ended).once('exit', ended));
  if (code !== 0)
    throw new KafkaUnavailable(`Kafka could not make its data: ${lastWords(broker)} (see ${logOf(broker)})`);
  renameSync(draft, join(broker.folder, 'data'));
  rmSync(configuration);
}

/** The broker's configuration. The folder of its data is relative, so that a stopped one can be moved. */
function properties({ id, port, controllerPort, cluster }: Broker, data: string): string {
  const copies = Math.min(cluster.length, 3);
  const settings = {
    'process.roles': 'broker,controller',
    'node.id': id,
    'controller.quorum.voters': cluster.map((each) => `${each.id}@127.0.0.1:${each.controllerPort}`).join(','),
    listeners: `CLIENTS://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `CLIENTS://127.0.0.1:${port}`,
    'listener.security.protocol.map': 'CLIENTS:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'CLIENTS',
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': data,

    // Topics are made on purpose, with the partitions that the order of messages relies on.
    'auto.create.topics.enable': false,
    'default.replication.factor': copies,
    'min.insync.replicas': Math.max(1, copies - 1),
    'offsets.topic.replication.factor': copies,
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.replication.factor': copies,
    'transaction.state.log.min.isr': Math.max(1, copies - 1),
    'transaction.state.log.num.partitions': 4,
    'share.coordinator.state.topic.replication.factor': copies,
    'share.coordinator.state.topic.min.isr': Math.max(1, copies - 1),
    'share.coordinator.state.topic.num.partitions': 4,

    // In development and in tests somebody is waiting: for a group to form, and for a killed broker to be let in again.
    'group.initial.rebalance.delay.ms': 0,
    'broker.session.timeout.ms': 2_000,
    'broker.heartbeat.interval.ms': 400,

    'log.cleaner.dedupe.buffer.size': 8 * 1024 * 1024,
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

function openLog(file: string): number {
  if (existsSync(file) && statSync(file).size > LOG_LIMIT_BYTES) renameSync(file, `${file}.1`);
  return openSync(file, 'a', 0o600);
}
