import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { KafkaUnavailable } from './errors';
import { holdFolder } from './folder-lock';
import { areFree, freePorts } from './free-ports';
import {
  endBroker,
  lastWords,
  launchBroker,
  logOf,
  runningBroker,
  type Broker,
  type BrokerPlace,
} from './kafka-broker';
import { kafkaJars } from './kafka-jars';
import { askKafka } from './kafka-metadata';
import { writeSecret } from './kept-secrets';
import { signal } from './processes';

/*
 * Terminology
 *   folder    everything of one cluster: its plan, and a folder per broker with data and log
 *   plan      what is decided once for a folder: the cluster's id, how many brokers, their ports
 *   leftover  a broker still running after the process that started it was killed
 *   left      brokers that were meant to go on without whoever started them
 */

export interface KafkaOptions {
  /** Where data, configuration and logs are kept; created if missing, reused if there. */
  folder: string;
  /** How many brokers, each of them a controller too. Default: as many as the folder was made with, or one. */
  brokers?: number;
  /** The port to try first where the folder has none yet. Default: any free ones. */
  firstPort?: number;
  /** Hears in one line each what a person may wonder about later. Default: standard error. */
  tell?: (line: string) => void;
}

export interface KafkaNode {
  readonly id: number;
  /** For clients; the same as long as the folder is kept. */
  readonly address: string;
  /** Of the process at this moment; of the last one while it is down. */
  readonly pid: number;
  /** Kills it outright. Resolves when it is gone; it stays down until `start()`. */
  kill(): Promise<void>;
  /** Starts it again after `kill()`; resolves once it serves. */
  start(): Promise<void>;
}

export interface KafkaCluster {
  /** For KAFKA_BROKERS: `127.0.0.1:PORT`, one per broker. */
  brokers: string[];
  nodes: KafkaNode[];
  /** Ends the brokers within seconds; resolves when they are gone. Brokers that were left running go on. */
  stop(): Promise<void>;
  /** Lets go of the brokers, which go on without us until `stopKafka`. */
  leave(): void;
}

interface Plan {
  clusterId: string;
  brokers: BrokerPlace[];
  left: boolean;
}

const START_MS = 90_000;
const SILENCE_MS = 5_000;
const ATTEMPTS = 3;
// A broker that was just killed may hold its ports for a moment after it is gone.
const LETS_GO_MS = 2_000;
const WATCH_MS = 500;

type Tell = (line: string) => void;

/**
 * A real Kafka (KRaft, no ZooKeeper) on 127.0.0.1, run by Java from jars that Maven fetches once. Returns when it
 * serves. Data and addresses stay for the next start; a broker left over on the data is adopted if it answers and
 * replaced if not, so there are never two on one. Ends with this process, unless that is killed outright.
 * Throws KafkaUnavailable where there is no Java or no Maven, and where it does not start; FolderInUse where another
 * living process has the folder.
 */
export async function startKafka(options: KafkaOptions): Promise<KafkaCluster> {
  const tell = options.tell ?? ((line: string) => process.stderr.write(`${line}\n`));
  const folder = resolve(options.folder);
  const jars = await kafkaJars({ tell });
  const held = holdFolder(folder);
  try {
    const plan = await planFor(folder, options);
    const goesOn = plan.left && brokersOf(folder, plan).every((broker) => runningBroker(broker) !== null);
    const started = await serve(folder, { ...plan, left: goesOn }, jars, tell);
    return clusterOf(folder, readPlan(folder)!, started, { jars, tell, release: () => held.release() });
  } catch (error) {
    held.release();
    throw error;
  }
}

/** What runs in the folder now; null where no Kafka was ever started. `serves`: a client would get an answer from all. */
export async function kafkaStatus(
  folder: string,
): Promise<{ brokers: { id: number; address: string; pid: number | null }[]; serves: boolean } | null> {
  const plan = readPlan(resolve(folder));
  if (!plan) return null;
  const all = brokersOf(resolve(folder), plan);
  const brokers = all.map((broker) => ({ id: broker.id, address: addressOf(broker), pid: runningBroker(broker) }));
  const running = brokers.every(({ pid }) => pid !== null);
  return { brokers, serves: running && (await allServe(plan.clusterId, all)) };
}

/** Ends what runs in the folder, left or left over. Throws FolderInUse where a living process works with it. */
export async function stopKafka(folder: string): Promise<void> {
  await alone(folder, async (plan) => {
    await Promise.all(brokersOf(resolve(folder), plan).map((broker) => endBroker(broker)));
    writePlan(resolve(folder), { ...plan, left: false });
  });
}

/** Ends what runs in the folder and removes all of it, data included. Throws FolderInUse like `stopKafka`. */
export async function removeKafka(folder: string): Promise<void> {
  await stopKafka(folder);
  await alone(folder, async () => rmSync(resolve(folder), { recursive: true, force: true }));
}

async function alone(folder: string, work: (plan: Plan) => Promise<void>): Promise<void> {
  const plan = readPlan(resolve(folder));
  if (!plan) return;
  const held = holdFolder(resolve(folder));
  try {
    await work(plan);
  } finally {
    held.release();
  }
}

interface StartedBroker {
  broker: Broker;
  pid: number;
  adopted: boolean;
  alive(): boolean;
}

/** Brings all brokers of the plan up, adopting those that run already, and returns when they serve. */
async function serve(folder: string, given: Plan, jars: string, tell: Tell): Promise<StartedBroker[]> {
  let plan = given;
  for (let attempt = 1; ; attempt++) {
    plan = await withFreePorts(folder, plan, tell);
    const started = await Promise.all(brokersOf(folder, plan).map((broker) => adoptOrLaunch(broker, jars)));
    const onlyAdopted = started.every(({ adopted }) => adopted);
    if (await comesToServe(plan.clusterId, started, onlyAdopted ? SILENCE_MS : START_MS)) return started;

    const dead = started.find(({ alive }) => !alive());
    const why = dead ? lastWords(dead.broker) : 'it does not answer';
    await Promise.all(started.map(({ broker }) => endBroker(broker, dead ? 'ask' : 'kill')));
    if (started.some(({ adopted }) => adopted)) {
      tell('A Kafka left over from an earlier start does not answer: replaced.');
      // Whoever looked for free ports at the same moment may have found the same.
    } else if (attempt === ATTEMPTS || !/Address already in use|Failed to bind/i.test(why)) {
      throw new KafkaUnavailable(`Kafka did not start: ${why} (its log: ${logOf((dead ?? started[0]!).broker)})`);
    }
    plan = { ...plan, left: false };
  }
}

async function adoptOrLaunch(broker: Broker, jars: string): Promise<StartedBroker> {
  const leftover = runningBroker(broker);
  if (leftover !== null) {
    return { broker, pid: leftover, adopted: true, alive: () => runningBroker(broker) === leftover };
  }
  const child = await launchBroker(broker, jars);
  const alive = () => child.pid !== undefined && child.exitCode === null && child.signalCode === null;
  return { broker, pid: child.pid ?? 0, adopted: false, alive };
}

/** False as soon as one of them has ended, and once the time is over. */
async function comesToServe(clusterId: string, started: StartedBroker[], patienceMs: number): Promise<boolean> {
  const giveUpAt = Date.now() + patienceMs;
  while (Date.now() < giveUpAt && started.every(({ alive }) => alive())) {
    if (
      await allServe(
        clusterId,
        started.map(({ broker }) => broker),
      )
    )
      return true;
    await wait(50);
  }
  return false;
}

/** Whether each of these answers as a member of this cluster, and knows all of them to be serving. */
async function allServe(clusterId: string, brokers: Broker[]): Promise<boolean> {
  for (const broker of brokers) {
    const answer = await askKafka([addressOf(broker)]);
    if (answer?.clusterId !== clusterId) return false;
    if (!brokers.every(({ id }) => answer.brokerIds.includes(id))) return false;
  }
  return true;
}

function clusterOf(
  folder: string,
  plan: Plan,
  started: StartedBroker[],
  { jars, tell, release }: { jars: string; tell: Tell; release: () => void },
): KafkaCluster {
  const nodes = started.map((each) => superviseNode(each, plan.clusterId, jars, tell));
  const letGo = () => {
    for (const node of nodes) node.leave();
    process.off('exit', atExit);
    release();
  };
  // The last resort of a process that ends without stop(): nobody is left to wait for the shutdown, but it is begun.
  const atExit = () => {
    for (const { pid } of nodes) signal(pid, 'SIGTERM');
  };
  if (!plan.left) process.once('exit', atExit);
  return {
    brokers: nodes.map(({ address }) => address),
    nodes,
    stop: async () => {
      if (!plan.left) await Promise.all(nodes.map((node) => node.end()));
      letGo();
    },
    leave: () => {
      writePlan(folder, { ...plan, left: true });
      letGo();
    },
  };
}

interface SupervisedNode extends KafkaNode {
  end(): Promise<void>;
  leave(): void;
}

/** Keeps a broker running: one that ends by itself or is killed by others is started again, with its data, on its port. */
function superviseNode(first: StartedBroker, clusterId: string, jars: string, tell: Tell): SupervisedNode {
  const { broker } = first;
  let current = first;
  let wanted = true;
  let supervised = true;
  let inHand: Promise<void> = Promise.resolve();
  const inTurn = (act: () => Promise<void>): Promise<void> => (inHand = inHand.catch(() => undefined).then(act));

  const bringUp = async () => {
    if (!wanted || current.alive()) return;
    current = await adoptOrLaunch(broker, jars);
    const giveUpAt = Date.now() + START_MS;
    while (current.alive() && Date.now() < giveUpAt) {
      const answer = await askKafka([addressOf(broker)]);
      if (answer?.clusterId === clusterId && answer.brokerIds.includes(broker.id)) return;
      await wait(50);
    }
    throw new KafkaUnavailable(`Broker ${broker.id} did not start: ${lastWords(broker)} (its log: ${logOf(broker)})`);
  };
  const putDown = async (how: 'ask' | 'kill') => {
    await endBroker(broker, how);
    // Node may hear of a child's end a moment later.
    current = { ...current, alive: () => false };
  };
  const revive = async () => {
    if (!wanted || !supervised || current.alive()) return;
    try {
      await bringUp();
      tell(`Kafka's broker ${broker.id} had ended (see ${logOf(broker)}) and was started again.`);
    } catch (error) {
      tell(error instanceof Error ? error.message : String(error));
    }
  };
  const watch = setInterval(() => {
    if (wanted && !current.alive()) void inTurn(revive);
  }, WATCH_MS).unref();

  return {
    id: broker.id,
    address: addressOf(broker),
    get pid() {
      return current.pid;
    },
    kill: () => {
      wanted = false;
      return inTurn(() => putDown('kill'));
    },
    start: () => {
      wanted = true;
      return inTurn(bringUp);
    },
    end: () => {
      wanted = false;
      return inTurn(() => putDown('ask'));
    },
    leave: () => {
      supervised = false;
      clearInterval(watch);
    },
  };
}

async function planFor(folder: string, { brokers: count, firstPort }: KafkaOptions): Promise<Plan> {
  const kept = readPlan(folder);
  if (kept) {
    if (count === undefined || count === kept.brokers.length) return kept;
    throw new KafkaUnavailable(
      `The Kafka in ${folder} has ${kept.brokers.length} broker(s), not ${count}: reset it first, or use another folder.`,
    );
  }
  return { clusterId: newClusterId(), brokers: await newPlaces(count ?? 1, firstPort), left: false };
}

async function newPlaces(count: number, firstPort?: number): Promise<BrokerPlace[]> {
  const ports = await freePorts(count, firstPort);
  const controllerPorts = await freePorts(count, firstPort === undefined ? undefined : Math.max(...ports) + 1);
  return ports.map((port, index) => ({ id: index + 1, port, controllerPort: controllerPorts[index]! }));
}

/** The plan as it can be carried out, and written down: others may have taken its ports while nobody was here. */
async function withFreePorts(folder: string, plan: Plan, tell: Tell): Promise<Plan> {
  const brokers = brokersOf(folder, plan);
  const down = brokers.filter((broker) => runningBroker(broker) === null);
  const ports = down.flatMap(({ port, controllerPort }) => [port, controllerPort]);
  for (const giveUpAt = Date.now() + LETS_GO_MS; ; await wait(100)) {
    if (await areFree(ports)) {
      writePlan(folder, plan);
      return plan;
    }
    if (Date.now() > giveUpAt) break;
  }
  await Promise.all(brokers.map((broker) => endBroker(broker)));
  const moved = { ...plan, brokers: await newPlaces(brokers.length) };
  const addresses = moved.brokers.map(addressOf).join(',');
  tell(`Somebody else listens where Kafka did (${brokers.map(addressOf).join(',')}): it is at ${addresses} now.`);
  writePlan(folder, moved);
  return moved;
}

/** Kafka's own kind of id: 16 random bytes in base64, of which the first letter must not look like an option's dash. */
function newClusterId(): string {
  const id = randomBytes(16).toString('base64url');
  return id.startsWith('-') ? newClusterId() : id;
}

const brokersOf = (folder: string, { clusterId, brokers }: Plan): Broker[] =>
  brokers.map((place) => ({ ...place, folder: join(folder, `broker-${place.id}`), clusterId, cluster: brokers }));

const addressOf = ({ port }: BrokerPlace) => `127.0.0.1:${port}`;

const planFile = (folder: string) => join(folder, 'cluster.json');

function readPlan(folder: string): Plan | null {
  try {
    return JSON.parse(readFileSync(planFile(folder), 'utf8')) as Plan;
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return null;
    throw error;
  }
}

const writePlan = (folder: string, plan: Plan) => writeSecret(planFile(folder), plan);
