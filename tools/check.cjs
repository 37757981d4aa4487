// The whole gate, each step to its end even when one before it failed, so that one run tells everything.
const { spawnSync } = require('node:child_process');
const { mkdtempSync, readFileSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');

const root = join(__dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'banyan-check-'));
const totalsFile = join(folder, 'totals.json');

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

function passes({ name, does, flags = [], run, script, live }, number) {
  const stepBegan = Date.now();
  say(`${number + 1}/${steps.length} ${name}: ${does} …`);
  const program = script ? [join(root, script)] : [join(root, 'node_modules', run[0], run[1]), ...run.slice(2)];
  const done = spawnSync(process.execPath, [...flags, ...program], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 100_000_000,
    // Jest writes its progress to stderr and, with --json, nothing worth reading to stdout.
    stdio: live ? ['ignore', 'ignore', 'inherit'] : ['ignore', 'pipe', 'pipe'],
  });
  const passed = done.status === 0;
  if (!passed && !live) say(`${done.stdout}${done.stderr}`.trim());
  say(`${number + 1}/${steps.length} ${name}: ${passed ? 'holds' : 'FAILS'} (${seconds(stepBegan)})`);
  return passed;
}

/** Jest's own totals; a suite that could not even run counts as a failure, and so does a Jest that said nothing. */
function readTotals() {
  try {
    const jest = JSON.parse(readFileSync(totalsFile, 'utf8'));
    return {
      passed: jest.numPassedTests,
      failed: jest.numFailedTests + jest.numRuntimeErrorTestSuites,
      skipped: jest.numPendingTests + jest.numTodoTests,
    };
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

function seconds(since) {
  return `${((Date.now() - since) / 1000).toFixed(1)} s`;
}

function say(text) {
  process.stderr.write(`${text}\n`);
}
