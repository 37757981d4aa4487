import { randomInt } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { developmentFolder } from '@banyan/development';
import Table from 'cli-table3';
import colours from 'picocolors';
import { OwnShop } from '../own-shop/own-shop';
import { progressOn } from '../replay/progress';
import { adminLogin } from '../shop-client/admin-login';
import { shopUrl, WrongArguments } from '../shop-client/command-line';
import { isShopError } from '../shop-client/errors';
import { Fuzz, type Report } from './fuzz';
import { loginCosts } from './login-costs';
import { Population } from './population';

const HELP = `Sends requests made of a shop's own OpenAPI document, most of them with something wrong with them.

  npm run fuzz [-- options]

  --cases N          how many; 20000 by default
  --seed S           makes the same requests again; a new one by default, and printed
  --only TEXT        only operations whose id contains it, such as orders.place
  --base-url URL     a shop that is running, and that nobody else works with; by default one is opened and closed again
  --help             shows this

Every answer must be below 500, as the document declares it and, where it is a refusal, a problem with a code of
docs/errors.md; products and orders must be there if and only if they were acknowledged. Also measures what signing in
costs for those who exist and for those who do not. The admin of a running shop is ADMIN_EMAIL and ADMIN_PASSWORD, or
the development shop's. Exits 1 on any finding, with a request that shows it, as small as it could be made.
`;

interface Arguments {
  cases: number;
  seed: number;
  only: string;
  baseUrl: string | undefined;
}

function readArguments(args: string[], environment: NodeJS.ProcessEnv): Arguments | 'help' {
  let values;
  try {
    ({ values } = parseArgs({
      args,
      options: {
        cases: { type: 'string', default: '20000' },
        seed: { type: 'string' },
        only: { type: 'string', default: '' },
        'base-url': { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }));
  } catch (error) {
    throw new WrongArguments((error as Error).message);
  }
  if (values.help) return 'help';
  const whole = (name: string, text: string, least: number) => {
    const number = Number(text);
    if (Number.isSafeInteger(number) && number >= least) return number;
    throw new WrongArguments(`--${name} must be a whole number of at least ${least}, not ${text}.`);
  };
  return {
    cases: whole('cases', values.cases, 1),
    seed: values.seed === undefined ? randomInt(2 ** 31) : whole('seed', values.seed, 0),
    only: values.only,
    baseUrl: values['base-url'] === undefined ? undefined : shopUrl(values['base-url'], environment),
  };
}

async function fuzz({ cases, seed, only, baseUrl }: Arguments, environment: NodeJS.ProcessEnv): Promise<number> {
  say(`seed ${seed}`);
  const quietly = { purpose: 'fuzz', environment: { LOG_LEVEL: 'warn' } };
  const own = baseUrl === undefined ? await OwnShop.open(quietly) : undefined;
  try {
    const url = own?.baseUrl ?? (baseUrl as string);
    const population = await Population.settle(url, own?.admin ?? (await adminLogin(environment)));
    const before = await everything(population);
    const progress = progressOn(process.stderr);
    const beganAt = performance.now();
    const options = { cases, seed, only, folder: join(developmentFolder(environment), 'fuzz') };
    const run = await Fuzz.at(url, population, { ...options, onCase: () => progress.advance() });
    progress.begin('cases', cases);
    const report = await run.run();
    progress.end();
    await run.close();
    const seconds = (performance.now() - beganAt) / 1000;
    const missing = reconcile(before, run.made, await everything(population));
    process.stdout.write(`${tableOf(report)}\n`);
    for (const finding of report.findings) {
      say(`\n${colours.red(`${finding.operation}: ${finding.complaint}`)}\n  ${finding.answer}\n  ${finding.curl}`);
    }
    for (const line of missing) say(colours.red(line));
    for (const line of own?.complaints().slice(0, 20) ?? []) say(line.slice(0, 2_000));
    say(await loginCosts(url, population));
    const wrong = report.findings.length + missing.length;
    const summary = `${report.cases} cases in ${seconds.toFixed(0)} s, ${wrong} findings (seed ${seed})`;
    say(wrong === 0 ? colours.green(summary) : colours.red(summary));
    return wrong === 0 ? 0 : 1;
  } finally {
    await own?.close();
  }
}

type Everything = ReadonlyMap<string, ReadonlySet<string>>;

async function everything(population: Population): Promise<Everything> {
  return new Map([
    ['/api/v1/products', await population.all('/products')],
    ['/api/v1/orders', await population.all('/orders')],
  ]);
}

/** What was acknowledged and is not there, or is there and was never acknowledged. */
function reconcile(before: Everything, made: Everything, after: Everything): string[] {
  return [...after].flatMap(([path, found]) => {
    const acknowledged = made.get(path) ?? new Set<string>();
    const known = new Set([...(before.get(path) ?? []), ...acknowledged]);
    return [
      ...[...acknowledged]
        .filter((id) => !found.has(id))
        .map((id) => `${path}/${id} was acknowledged, and is not there.`),
      ...[...found].filter((id) => !known.has(id)).map((id) => `${path}/${id} is there, and was never acknowledged.`),
    ];
  });
}

function tableOf({ statuses, cases }: Report): string {
  const table = new Table({
    head: ['status', '', 'answers', '%'].map((title) => colours.bold(title)),
    colAligns: ['left', 'left', 'right', 'right'],
    style: { head: [], border: [] },
  });
  for (const [status, count] of [...statuses].sort(([a], [b]) => a - b)) {
    table.push([status, STATUS_CODES[status] ?? 'no answer', count, ((100 * count) / cases).toFixed(1)]);
  }
  return table.toString();
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

async function main(): Promise<void> {
  try {
    const args = readArguments(process.argv.slice(2), process.env);
    if (args === 'help') process.stdout.write(HELP);
    else process.exitCode = await fuzz(args, process.env);
  } catch (error) {
    const isWrong = error instanceof WrongArguments;
    if (!isWrong && !isShopError(error)) throw error;
    say(`fuzz: ${error.message}${isWrong ? '\nSee `npm run fuzz -- --help`.' : ''}`);
    process.exitCode = isWrong ? 2 : 1;
  }
}

void main();
