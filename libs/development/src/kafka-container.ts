import { spawnSync } from 'node:child_process';
import { KafkaUnavailable } from './errors';
import { oneLine } from './postgres-binaries';
import { projectFolder } from './project-folder';

// As docker-compose.yml in the project names them.
const SERVICE = 'kafka';
const PORT = '9092';
const VOLUME = 'banyan_kafka';

/** Whether a Docker engine with Compose answers here. */
export const dockerAnswers = (): boolean =>
  docker(['info'], 5_000).status === 0 && docker(['compose', 'version'], 5_000).status === 0;

/** Kafka as docker-compose.yml has it; returns its address once it serves. Throws KafkaUnavailable. */
export function startKafkaContainer(): string {
  const started = docker(['compose', 'up', '--detach', '--wait', SERVICE]);
  const address = started.status === 0 ? kafkaContainer() : null;
  if (address) return address;
  throw new KafkaUnavailable(`Docker Compose could not start Kafka: ${reason(started)}`);
}

/** The address of Kafka's container, where one is running. */
export function kafkaContainer(): string | null {
  const asked = docker(['compose', 'port', SERVICE, PORT]);
  return asked.status === 0 && asked.stdout.includes(':') ? asked.stdout.trim() : null;
}

/** Its data stays. */
export function stopKafkaContainer(): void {
  const stopped = docker(['compose', 'stop', SERVICE]);
  if (stopped.status !== 0) throw new KafkaUnavailable(`Docker Compose could not stop Kafka: ${reason(stopped)}`);
}

/** With its data. */
export function removeKafkaContainer(): void {
  const removed = docker(['compose', 'rm', '--stop', '--force', SERVICE]);
  if (removed.status !== 0) throw new KafkaUnavailable(`Docker Compose could not remove Kafka: ${reason(removed)}`);
  const emptied = docker(['volume', 'rm', '--force', VOLUME]);
  if (emptied.status !== 0) throw new KafkaUnavailable(`Docker could not remove Kafka's data: ${reason(emptied)}`);
}

const docker = (args: string[], timeout = 300_000) =>
  spawnSync('docker', args, { cwd: projectFolder(), encoding: 'utf8', timeout });

const reason = ({ error, stderr }: ReturnType<typeof docker>) => error?.message ?? oneLine(stderr).slice(-300);
