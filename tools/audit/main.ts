import 'reflect-metadata';
import { parseArgs } from 'node:util';
import { SettingsError } from '@banyan/config';
import { WrongArguments } from '../shop-client/command-line';
import { audit, invariants } from './audit';
import { CouldNotLook } from './could-not-look';
import { reportTo, summaryOf } from './report';
import { whereItIsKept } from './where-it-is-kept';

const HELP = `Judges every invariant of the shop, and prints a line per violation with its ids.

  npm run audit [-- options]

  --wait SECONDS        how long to wait for a quiet moment; 30 by default
  --now                 judges at once; what is on its way then counts as a violation
  --provider-url URL    where the payment provider shows its books; PAYMENT_PROVIDER_URL by default
  --no-books            judges without them, as with a provider that shows none
  --json                one JSON object instead: violations and counts
  --list                the invariants, a sentence each
  --help                shows this

The databases are DATABASE_URL (or a module's own, such as ORDERS_DATABASE_URL), or else the development database: that
of the shop running now, or started for the length of the command. Nothing is changed in them.
Exits 0 when all hold, 1 when any does not, 2 when it could not look.
`;

const VIOLATED = 1;
const COULD_NOT_LOOK = 2;

interface Arguments {
  patienceMs: number;
  providerUrl: string | undefined;
  withBooks: boolean;
  json: boolean;
}

function readArguments(args: string[]): Arguments | 'help' | 'list' {
  const values = parse(args);
  if (values.help) return 'help';
  if (values.list) return 'list';
  const seconds = Number(values.wait);
  if (!(seconds >= 0)) throw new WrongArguments(`--wait must be a number of seconds, not ${values.wait}.`);
  const providerUrl = values['provider-url'];
  if (providerUrl !== undefined && !(/^https?:\/\//.test(providerUrl) && URL.canParse(providerUrl))) {
    throw new WrongArguments(`--provider-url must be like http://127.0.0.1:4010, not ${providerUrl}.`);
  }
  return {
    patienceMs: values.now ? 0 : seconds * 1000,
    providerUrl,
    withBooks: !values['no-books'],
    json: values.json,
  };
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        wait: { type: 'string', default: '30' },
        now: { type: 'boolean', default: false },
        'provider-url': { type: 'string' },
        'no-books': { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        list: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values;
  } catch (error) {
    throw new WrongArguments((error as Error).message);
  }
}

async function judge(args: Arguments, environment: NodeJS.ProcessEnv): Promise<number> {
  const shop = await whereItIsKept(environment, args);
  try {
    const report = reportTo(process.stdout, args.json);
    const result = await audit({
      databases: shop.databases,
      providerUrl: shop.providerUrl,
      patienceMs: args.patienceMs,
      onProgress: showProgress,
      onViolation: (violation) => {
        hideProgress();
        report.violation(violation);
      },
    });
    hideProgress();
    report.end(result);
    say(summaryOf(result));
    return result.violations === 0 ? 0 : VIOLATED;
  } finally {
    hideProgress();
    await shop.leave();
  }
}

let progressShown = false;

/** One line that is overwritten, for a person who watches. */
function showProgress(what: string): void {
  if (!process.stderr.isTTY) return;
  process.stderr.write(`\r\x1b[K${what.slice(0, process.stderr.columns - 1)}`);
  progressShown = true;
}

function hideProgress(): void {
  if (progressShown) process.stderr.write('\r\x1b[K');
  progressShown = false;
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** A failure whose message is meant for whoever called; anything else is a defect and keeps its stack. */
function isExplained(error: unknown): error is Error {
  const coded = error instanceof Error && typeof (error as { code?: unknown }).code === 'string';
  return coded || error instanceof CouldNotLook || error instanceof SettingsError;
}

async function main(): Promise<void> {
  try {
    const args = readArguments(process.argv.slice(2));
    if (args === 'help') process.stdout.write(HELP);
    else if (args === 'list') for (const { name, holds } of invariants) process.stdout.write(`${name}  ${holds}\n`);
    else process.exitCode = await judge(args, process.env);
  } catch (error) {
    process.exitCode = COULD_NOT_LOOK;
    if (error instanceof WrongArguments) say(`audit: ${error.message}\nSee \`npm run audit -- --help\`.`);
    else if (isExplained(error)) say(`audit: ${error.message}`);
    else say(`audit: ${(error as Error).stack ?? String(error)}`);
  }
}

void main();
