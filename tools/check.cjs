// The whole gate, each step to its end even when one before it failed, so that one run tells everything.
const { spawnSync } = require('node:child_process');
const { mkdtempSync, readFileSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');

const root = join(__dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'banyan-check-'));
const totalsFile = join(folder, 'totals.json');
const topologyTotalsFile = join(folder, 'topology-totals.json');

const steps = [
  {
    name: 'format',
    does: 'prettier, nothing to change',
    run: ['prettier', 'bin/prettier.cjs', '--check', '--log-level=warn', '.'],
  },
  { name: 'lint', does: 'eslint, with types', run: ['eslint', 'bin/eslint.js', '--max-warnings=0', '.'] },
  {
    name: 'types',
    does: 'tsc, everything, tests included',
    run: ['typescript', 'bin/tsc', '--noEmit', '-p', 'tsconfig.json'],
  },
  {
    name: 'boundaries',
    does: 'who may import whom',
    run: [
      'dependency-cruiser',
      'bin/dependency-cruiser.mjs',
      'libs',
      'apps',
      'tools',
      'test',
      '--output-type',
      'err-long',
    ],
  },
  { name: 'build', does: 'what the journeys run against', script: 'tools/ensure-built.cjs' },
  {
    name: 'tests',
    does: 'unit, architecture, bus, journeys',
    flags: ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'],
    run: ['jest', 'bin/jest.js', '--json', `--outputFile=${totalsFile}`],
    live: true,
  },
  {
    name: 'topology',
    does: 'the journeys again, in a shop of a process per module',
    script: 'dist/tools/journeys/main.js',
    flagsOfScript: ['--topology', 'split', '--if-possible', '--totals', topologyTotalsFile],
    live: true,
  },
];

const began = Date.now();
const failed = steps.filter((step, number) => !passes(step, number));
const totals = readTotals();
rmSync(folder, { recursive: true, force: true });

say(
  failed.length === 0
    ? `Everything holds, in ${seconds(began)}.`
    : `Not yet: ${failed.map(({ name }) => name).join(', ')}; after ${seconds(began)}.`,
);
console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
process.exitCode = failed.length === 0 && totals.failed === 0 ? 0 : 1;

function passes({ name, does, flags = [], run, script, flagsOfScript = [], live }, number) {
  const stepBegan = Date.now();
  say(`${number + 1}/${steps.length} ${name}: ${does} …`);
  const program = script
    ? [join(root, script), ...flagsOfScript]
    : [join(root, 'node_modules', run[0], run[1]), ...run.slice(2)];
  const done = spawnSync(process.execPath, [...flags, ...program], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 100_000_000,
    // Jest writes its progress to stderr; our own standard output ends with the totals and has nothing else.
    stdio: live ? ['ignore', name === 'tests' ? 'ignore' : process.stderr, 'inherit'] : ['ignore', 'pipe', 'pipe'],
  });
  const passed = done.status === 0;
  if (!passed && !live) say(`${done.stdout}${done.stderr}`.trim());
  say(`${number + 1}/${steps.length} ${name}: ${passed ? 'holds' : 'FAILS'} (${seconds(stepBegan)})`);
  return passed;
}

/** Jest's own totals and those of the journeys in a topology; who said nothing counts as a failure. */
function readTotals() {
  const totals = [jestTotals(), topologyTotals()];
  const sum = (which) => totals.reduce((total, one) => total + one[which], 0);
  return { passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped') };
}

/** A suite that could not even run counts as a failure. */
function jestTotals() {
  const jest = read(totalsFile);
  if (!jest) return { passed: 0, failed: 1, skipped: 0 };
  return {
    passed: jest.numPassedTests,
    failed: jest.numFailedTests + jest.numRuntimeErrorTestSuites,
    skipped: jest.numPendingTests + jest.numTodoTests,
  };
}

/** Where there is no Kafka, nothing was told, which was said; where there must be one, that has failed the step. */
function topologyTotals() {
  const nothing = { passed: 0, failed: failed.some(({ name }) => name === 'topology') ? 1 : 0, skipped: 0 };
  return read(topologyTotalsFile) ?? nothing;
}

function read(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return null;
  }
}

function seconds(since) {
  return `${((Date.now() - since) / 1000).toFixed(1)} s`;
}

function say(text) {
  process.stderr.write(`${text}\n`);
}
