import 'reflect-metadata';
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { developmentFolder } from '@banyan/development';
import colours from 'picocolors';
import { WrongArguments } from '../shop-client/command-line';
import { DIRECTIONS, Drill, movable } from './drill';
import { faultsOf, isClean, seconds, tableOf, type Way } from './report';

const HELP = `A module leaves the monolith for a process of its own over Kafka, and comes back, while customers order.

  npm run drill -- move MODULE [-- options]

  MODULE             one of ${movable.join(', ')}
  --times N          how often; once by default
  --seed S           of the customers' choices and of the kills; any by default, and printed
  --dwell SECS       how long each share of the requests stays; 1.5 by default
  --without-kills    moves only; otherwise one process of each side is killed (kill -9) on each way, at a moment left to chance
  --help             shows this

The shop is one of the drill's own, with a database, a payment provider and a Kafka that are gone afterwards: yours is left
alone. With KAFKA_BROKERS those are used, and topics that begin with drill- stay there.
Customers repeat what may pass by itself, with the same idempotency key. What the shop acknowledged is compared with what it
did, after each way: lost, doubled and out of order must be 0, and so must requests that failed for good and violations in the audit.
The longest wait is what a request took, repetitions included; the longest to confirm is of orders whose bank answers at once.
How it is done by hand: docs/how-to/move-a-module.md. Exits 1 after the first way that is not all zeros.
`;

const WRONG_ARGUMENTS = 2;

interface Arguments {
  module: string;
  times: number;
  seed: number;
  dwellMs: number;
  withKills: boolean;
}

function readArguments(args: string[]): Arguments | 'help' {
  const { values, positionals } = parse(args);
  if (values.help) return 'help';
  const [act, module, ...more] = positionals;
  if (act !== 'move' || module === undefined || more.length > 0) throw new WrongArguments('Say: move MODULE.');
  if (!movable.includes(module)) throw new WrongArguments(`${module} is none of ${movable.join(', ')}.`);
  const number = (name: 'times' | 'seed' | 'dwell', isFine: (value: number) => boolean, what: string) => {
    const value = Number(values[name]);
    if (!isFine(value)) throw new WrongArguments(`--${name} must be ${what}, not ${values[name]}.`);
    return value;
  };
  return {
    module,
    times: number('times', (value) => Number.isInteger(value) && value > 0, 'a whole number from 1'),
    seed: number('seed', (value) => Number.isSafeInteger(value), 'a whole number'),
    dwellMs: number('dwell', (value) => value > 0, 'a number of seconds') * 1_000,
    withKills: !values['without-kills'],
  };
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        times: { type: 'string', default: '1' },
        seed: { type: 'string', default: String(randomInt(1_000_000)) },
        dwell: { type: 'string', default: '1.5' },
        'without-kills': { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    throw new WrongArguments((error as Error).message);
  }
}

/** Whether all was as it must be. */
async function drill({ times, ...how }: Arguments, environment: NodeJS.ProcessEnv): Promise<boolean> {
  const beganAt = performance.now();
  const tell = (line: string) => say(`${seconds(performance.now() - beganAt).padStart(8)}  ${line}`);
  say(`Opening a shop and a Kafka for this drill alone; the seed is ${how.seed} …`);
  const opening = Drill.open({ ...how, environment, tell });
  endOnSignal(opening);
  const drilled = await opening;
  const rounds = Array.from({ length: times }, (_, before) => before + 1);
  const moves = rounds.flatMap((number) => DIRECTIONS.map((direction) => ({ direction, number })));
  const ways: Way[] = [];
  let isFine = false;
  try {
    for (const { direction, number } of moves) {
      const way = await drilled.move(direction, number);
      ways.push(way);
      tell(verdictOn(way));
      if (!isClean(way)) break;
    }
    isFine = ways.every(isClean);
  } finally {
    if (ways.length > 0) process.stdout.write(`${tableOf(ways)}\n`);
    for (const line of ways.flatMap(faultsOf)) process.stdout.write(`${colours.red(line)}\n`);
    if (!isFine) {
      const kept = join(developmentFolder(environment), 'drill', 'apps.log');
      drilled.keepLog(kept);
      say(`What the apps said is in ${kept}.`);
    }
    await drilled.close();
  }
  return isFine;
}

function verdictOn(way: Way): string {
  const { acknowledged, longestWait } = way;
  const verdict = isClean(way) ? colours.green('all as acknowledged') : colours.red('not as acknowledged');
  return `${verdict}: ${acknowledged} requests, the longest took ${seconds(longestWait.ms)} (${longestWait.what})`;
}

/** Takes the shop down with whoever is asked to end, also while it is still opening. The terminal and npm may both ask. */
function endOnSignal(opening: Promise<Drill>): void {
  const end = async () => {
    say('Taking the shop down …');
    await opening.then((drilled) => drilled.close()).catch(() => undefined);
    process.exit(1);
  };
  let ending: Promise<void> | undefined;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => void (ending ??= end()));
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

async function main(): Promise<void> {
  try {
    const args = readArguments(process.argv.slice(2));
    if (args === 'help') return void process.stdout.write(HELP);
    process.exitCode = (await drill(args, process.env)) ? 0 : 1;
  } catch (error) {
    const { message, stack, code } = error as Error & { code?: unknown };
    const isWrong = error instanceof WrongArguments;
    if (isWrong) say(`drill: ${message}\nSee \`npm run drill -- --help\`.`);
    else say(`drill: ${typeof code === 'string' ? message : stack}`);
    process.exitCode = isWrong ? WRONG_ARGUMENTS : 1;
  }
}

void main();
