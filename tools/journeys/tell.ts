import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectFolder } from '@banyan/development';

/** How the journeys went in one topology. */
export interface Told {
  topology: string;
  seconds: number;
  passed: Set<string>;
  /** With what was said of each. */
  failed: Map<string, string>;
  /** Declared not to be told here, or not asked for. */
  skipped: Set<string>;
}

interface JestResults {
  testResults: {
    name: string;
    message: string;
    assertionResults: { fullName: string; status: string; failureMessages: string[] }[];
  }[];
}

/**
 * Has Jest tell the journeys in shops that are placed as the topology says, and what they come to written to `folder`. What
 * Jest says goes to standard error.
 */
export async function tellJourneys(topology: string, folder: string, only: string | undefined): Promise<Told> {
  const began = Date.now();
  const resultsFile = join(folder, 'results.json');
  const jest = spawn(
    process.execPath,
    [
      ...['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'],
      join(projectFolder(), 'node_modules/jest/bin/jest.js'),
      ...['--selectProjects=journeys', '--json', `--outputFile=${resultsFile}`],
      ...(only === undefined ? [] : [`--testPathPatterns=${only}`]),
    ],
    {
      cwd: projectFolder(),
      env: { ...process.env, JOURNEYS_TOPOLOGY: topology, JOURNEYS_RECORDS: folder },
      // Nothing worth reading goes to its standard output with --json.
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  const pass = (signal: NodeJS.Signals) => void jest.kill(signal);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, pass);
  const [exitCode] = (await once(jest, 'exit')) as [number | null];
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, pass);

  const told: Told = { topology, seconds: 0, passed: new Set(), failed: new Map(), skipped: new Set() };
  if (existsSync(resultsFile)) readInto(told, JSON.parse(readFileSync(resultsFile, 'utf8')) as JestResults);
  if (exitCode !== 0 && told.failed.size === 0)
    told.failed.set('the journeys as a whole', `Jest ended with ${exitCode}.`);
  return { ...told, seconds: (Date.now() - began) / 1_000 };
}

function readInto({ passed, failed, skipped }: Told, { testResults }: JestResults): void {
  for (const { name, message, assertionResults } of testResults) {
    const file = name.split('/').at(-1)!.replace('.spec.ts', '');
    // A file that could not even begin, or whose shop could not be left as it should.
    const asAWhole = message !== '' && assertionResults.every(({ status }) => status !== 'failed');
    if (asAWhole) failed.set(file, message);
    for (const { fullName, status, failureMessages } of assertionResults) {
      const journey = `${file}: ${fullName}`;
      if (status === 'passed') passed.add(journey);
      else if (status === 'failed') failed.set(journey, failureMessages.join('\n'));
      else skipped.add(journey);
    }
  }
}
