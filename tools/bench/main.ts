import 'reflect-metadata';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { audit } from '../audit/audit';
import { moduleData } from '../db/modules';
import { WrongArguments } from '../shop-client/command-line';
import { Bench } from './bench';
import { House } from './house';
import { machineOf } from './machine';
import { FULL, QUICK, type Plan } from './plan';
import { failed, markdownOf, type Report } from './report';
import type { Figure, Missing, Row } from './row';
import { rows } from './rows/rows';

const HELP = `Measures the shop against references in the same run, and says which musts and aims hold.

  npm run bench [-- options]

  --quick          the same rows, rougher, in under three minutes
  --only ROW       one row; may be given more than once
  --profile ROW    one row, with a CPU profile of its subject in .banyan/bench/profile-ROW
  --rounds N       interleaved rounds of each row; 3 by default
  --report FILE    where the report goes, with the same as JSON beside it; .banyan/bench/report.md by default
  --list           the rows
  --help           shows this

Everything runs on servers of its own in a temporary folder, on free ports, and is stopped and removed afterwards. fsync
and synchronous_commit stay on. Rounds in which other programs took a noticeable part of the machine are left out. At the
end the audit judges the shop that was measured. Exits 1 where a must is missed, a row could not be measured, or the audit
finds anything.
`;

const AUDIT_PATIENCE_MS = 120_000;

interface Arguments {
  plan: Plan;
  chosen: readonly Row[];
  profiled: string | undefined;
  report: string | undefined;
}

function readArguments(args: string[]): Arguments | 'help' | 'list' {
  let values;
  try {
    ({ values } = parseArgs({
      args,
      options: {
        quick: { type: 'boolean', default: false },
        only: { type: 'string', multiple: true, default: [] },
        profile: { type: 'string' },
        rounds: { type: 'string' },
        report: { type: 'string' },
        list: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }));
  } catch (error) {
    throw new WrongArguments((error as Error).message);
  }
  if (values.help) return 'help';
  if (values.list) return 'list';
  const plan = values.quick ? QUICK : FULL;
  const rounds = Number(values.rounds ?? plan.rounds);
  if (!Number.isSafeInteger(rounds) || rounds < 1) {
    throw new WrongArguments(`--rounds must be a whole number of at least 1, not ${values.rounds}.`);
  }
  const names = values.profile === undefined ? values.only : [values.profile];
  const unknown = names.find((name) => !rows.some((row) => row.name === name));
  if (unknown !== undefined) {
    throw new WrongArguments(`There is no row ${unknown}, only ${rows.map(({ name }) => name).join(', ')}.`);
  }
  const chosen = names.length === 0 ? rows : rows.filter(({ name }) => names.includes(name));
  return { plan: { ...plan, rounds }, chosen, profiled: values.profile, report: values.report };
}

async function bench(args: Arguments, environment: NodeJS.ProcessEnv): Promise<number> {
  const beganAt = performance.now();
  const house = await House.open(environment);
  const stop = async () => {
    await house.close();
    process.exit(1);
  };
  process.once('SIGINT', () => void stop());
  process.once('SIGTERM', () => void stop());
  try {
    const machine = await machineOf(house);
    const work = new Bench(house, args.plan, args.profiled, say);
    const figures: (Figure | Missing)[] = [];
    for (const row of args.chosen) {
      say(`${row.name}: ${row.job}`);
      figures.push(...(await measured(row, work)));
    }
    const audited = work.hasShop ? await reconcile(work) : undefined;
    const command = ['npm run bench', ...(process.argv.length > 2 ? ['--', ...process.argv.slice(2)] : [])].join(' ');
    const seconds = (performance.now() - beganAt) / 1_000;
    const report: Report = { command, machine, seconds, figures, audit: audited };
    keep(report, args.report ?? join(house.kept, 'report.md'));
    return failed(report) ? 1 : 0;
  } finally {
    await house.close();
  }
}

/** A row that fails must not take the others with it, and must not be taken for one that holds. */
async function measured(row: Row, work: Bench): Promise<(Figure | Missing)[]> {
  try {
    return await row.measure(work);
  } catch (error) {
    say((error as Error).stack ?? String(error));
    return [{ what: row.job, why: `it failed: ${(error as Error).message.split('\n', 1)[0]}` }];
  }
}

/** Lets the shop that was measured finish what it has, and judges it. */
async function reconcile(work: Bench): Promise<Report['audit']> {
  const { database, providerUrl } = await work.stocked();
  const shop = await work.startShop('audit');
  try {
    await shop.allFulfilled();
    const violations: string[] = [];
    const { counts } = await audit({
      databases: new Map(moduleData.map(({ module }) => [module, work.house.urlOf(database)])),
      providerUrl,
      patienceMs: AUDIT_PATIENCE_MS,
      onProgress: () => undefined,
      onViolation: (violation) => violations.push(JSON.stringify(violation)),
    });
    return { violations, counts };
  } finally {
    await shop.stop();
  }
}

function keep(report: Report, file: string): void {
  const text = markdownOf(report);
  writeFileSync(file, text);
  writeFileSync(file.replace(/(\.md)?$/, '.json'), `${JSON.stringify(report, null, 2)}\n`);
  process.stdout.write(`${text}\n`);
  say(`Kept in ${file}, and as JSON beside it.`);
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

async function main(): Promise<void> {
  try {
    const args = readArguments(process.argv.slice(2));
    if (args === 'help') process.stdout.write(HELP);
    else if (args === 'list') for (const { name, job } of rows) process.stdout.write(`${name.padEnd(22)}${job}\n`);
    else process.exitCode = await bench(args, process.env);
  } catch (error) {
    if (!(error instanceof WrongArguments)) throw error;
    say(`bench: ${error.message}\nSee \`npm run bench -- --help\`.`);
    process.exitCode = 2;
  }
}

void main();
