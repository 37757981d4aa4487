import 'reflect-metadata';
import { parseArgs } from 'node:util';
import { SettingsError } from '@banyan/config';
import { developmentFolder } from '@banyan/development';
import { endOnRequest } from '@banyan/lifetime';
import { AppDidNotStart } from './app-process';
import { findTopology, UnknownTopology } from './find-topology';
import { prefixer, takesColours, welcome } from './printed';
import { startTopology } from './start-topology';

const END_MS = 9_500;

async function start(name: string, environment: NodeJS.ProcessEnv): Promise<() => Promise<void>> {
  const topology = findTopology(name);
  const prefixed = prefixer(
    [...Object.keys(topology.apps), 'gateway', 'banyan'],
    takesColours(process.stdout, environment),
  );
  const tell = (from: string, line: string) => process.stdout.write(`${prefixed(from, line)}\n`);
  const kafka = topology.transport === 'in-process' ? '' : 'Kafka, ';
  tell(
    'banyan',
    `Starting PostgreSQL, ${kafka}the payment provider, ${Object.keys(topology.apps).join(', ')}, the gateway …`,
  );
  const running = await startTopology({
    topology,
    folder: developmentFolder(environment),
    port: Number(environment['PORT'] || 3000),
    environment,
    tell,
  });
  process.stdout.write(welcome(name, topology, running));
  return async () => void (await running.stop());
}

function refuse(error: Error & { code?: unknown }): void {
  const isExplained =
    typeof error.code === 'string' ||
    [AppDidNotStart, SettingsError, UnknownTopology].some((kind) => error instanceof kind);
  process.stderr.write(`${isExplained ? error.message : (error.stack ?? String(error))}\n`);
  process.exit(1);
}

// Whoever reads, as `head` does, may have had enough; the shop goes on.
process.stdout.on('error', () => undefined);

const { values } = parseArgs({ options: { topology: { type: 'string' } } });
const starting = start(values.topology!, process.env);
endOnRequest(starting, END_MS);
starting.catch(refuse);
