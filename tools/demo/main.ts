import 'reflect-metadata';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { SettingsError } from '@banyan/config';
import { developmentFolder } from '@banyan/development';
import colours from 'picocolors';
import type { Violation } from '../audit/check';
import { CouldNotLook } from '../audit/could-not-look';
import { reportTo } from '../audit/report';
import { OwnShop } from '../own-shop/own-shop';
import { adminLogin } from '../shop-client/admin-login';
import { shopUrl, WrongArguments } from '../shop-client/command-line';
import { isShopError } from '../shop-client/errors';
import type { Credentials } from '../shop-client/session';
import { Shop } from '../shop-client/shop';
import { closingAudit } from './closing-audit';
import { killAmid } from './kill-amid';
import { lineAbout, say, tableOf, verdictOn } from './printed';
import { SCENARIOS } from './scenarios';
import { visits } from './visits';

const HELP = `Places twenty orders of every kind, shows what became of each, and ends with the audit.

  npm run demo [-- options]

  --base-url URL     the shop; http://127.0.0.1:3000 by default, with PORT where it is set; not audited from here
  --kill             kills the shop in the middle, at random moments (kill -9), and starts it again each time
  --mischief         has messages come twice, late and in another order
  --patience SECS    how long an order may take to end; 180 by default
  --help             shows this

With --kill or --mischief the shop is one of the demo's own, in development, with a database and a payment provider that
are gone afterwards: yours is left alone. Else it is the one that is running, and its admin is ADMIN_EMAIL and
ADMIN_PASSWORD, or the development shop's; every run has customers and products of its own, so it may be run as often as
you like. Exits 1 when an order ended otherwise than it should, or not at all, or the audit found anything.
`;

const WRONG_ARGUMENTS = 2;
const MISCHIEF = 'duplicate=0.2,delay=50,reorder=0.1';
const KILLS = 2;
// Most orders end within a second; slow banks keep some under way for three, and one for five.
const KILL_WITHIN_MS = 1_000;
const QUIET_MS = 60_000;
// Its restarts take seconds; one that does not come back is not worth the usual five minutes.
const RESTART_MS = 60_000;

interface Arguments {
  baseUrl: string | undefined;
  kill: boolean;
  mischief: boolean;
  patienceMs: number;
}

function readArguments(args: string[]): Arguments | 'help' {
  let values;
  try {
    ({ values } = parseArgs({
      args,
      options: {
        'base-url': { type: 'string' },
        kill: { type: 'boolean', default: false },
        mischief: { type: 'boolean', default: false },
        patience: { type: 'string', default: '180' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }));
  } catch (error) {
    throw new WrongArguments((error as Error).message);
  }
  if (values.help) return 'help';
  const { 'base-url': baseUrl, kill, mischief } = values;
  if (baseUrl !== undefined && (kill || mischief)) {
    throw new WrongArguments("--kill and --mischief are for a shop of the demo's own: leave --base-url out.");
  }
  const seconds = Number(values.patience);
  if (!(seconds > 0)) throw new WrongArguments(`--patience must be a number of seconds, not ${values.patience}.`);
  return { baseUrl, kill, mischief, patienceMs: seconds * 1000 };
}

/** In the shop that is running. */
async function demo({ baseUrl, patienceMs }: Arguments, environment: NodeJS.ProcessEnv): Promise<boolean> {
  const shop = new Shop(shopUrl(baseUrl, environment), { onTrouble });
  try {
    const isFine = await ordersEndWell(shop, await adminLogin(environment), patienceMs);
    return (await auditedWhereItIsKept(baseUrl, environment)) && isFine;
  } finally {
    await shop.close();
  }
}

/** False where the audit found something; a shop that cannot be judged from here, or not now, is left alone, and that is said. */
async function auditedWhereItIsKept(baseUrl: string | undefined, environment: NodeJS.ProcessEnv): Promise<boolean> {
  const notAudited = (why: string) => {
    say(`Not audited: ${why}`);
    return true;
  };
  if (baseUrl !== undefined || !existsSync(join(developmentFolder(environment), 'running.json'))) {
    return notAudited('`npm run audit` is for where the shop keeps its books.');
  }
  try {
    const { violations, unrest, summary } = await closingAudit(environment, QUIET_MS);
    if (unrest.length > 0) return notAudited(`not all is quiet (${unrest.join(', ')}). Try \`npm run audit\` later.`);
    return judged(violations, summary);
  } catch (error) {
    if (error instanceof CouldNotLook || error instanceof SettingsError) return notAudited(error.message);
    throw error;
  }
}

/** In a shop that is opened for it, with whatever is to happen to that. */
async function demoInOwnShop({ kill, mischief, patienceMs }: Arguments, environment: NodeJS.ProcessEnv) {
  if ((environment['NODE_ENV'] || 'development') !== 'development') {
    throw new WrongArguments('--kill and --mischief are for development; NODE_ENV says otherwise.');
  }
  say('Opening a shop for this demo alone …');
  const own = await OwnShop.open({ purpose: 'demo', environment: mischief ? { BUS_MISCHIEF: MISCHIEF } : {} });
  const shop = new Shop(own.baseUrl, { onTrouble, patienceMs: RESTART_MS });
  let isFine = false;
  try {
    say(`It is open: ${own.baseUrl}${mischief ? ` with BUS_MISCHIEF=${MISCHIEF}` : ''}`);
    const begun = Promise.withResolvers<void>();
    const ending = ordersEndWell(shop, own.admin, patienceMs, begun.resolve);
    await Promise.race([begun.promise, ending]);
    const [isWell] = await Promise.all([ending, kill ? killedAmid(ending, own) : undefined]);
    const { violations, summary } = await closingAudit(own.environment, QUIET_MS);
    isFine = judged(violations, summary) && isWell;
    return isFine;
  } finally {
    await shop.close();
    if (!isFine) {
      const kept = join(developmentFolder(environment), 'demo', 'shop.log');
      own.keepLog(kept);
      say(`What the shop said is in ${kept}.`);
    }
    await own.close();
  }
}

async function ordersEndWell(shop: Shop, admin: Credentials, patienceMs: number, onBegin?: () => void) {
  const outcomes = await visits(shop, admin, {
    patienceMs,
    onBegin: () => {
      say(`${SCENARIOS.length} orders, placed at the same time:`);
      onBegin?.();
    },
    onOutcome: (number, outcome) => say(lineAbout(number, outcome)),
  });
  process.stdout.write(`${tableOf(outcomes)}\n`);
  say(verdictOn(outcomes));
  return outcomes.every(({ complaints }) => complaints.length === 0);
}

async function killedAmid(work: Promise<unknown>, own: OwnShop): Promise<void> {
  await killAmid(work, own, {
    times: KILLS,
    withinMs: KILL_WITHIN_MS,
    onKill: () => say(colours.yellow('killed the shop, and starting it again')),
    onStart: (awayMs) => say(colours.yellow(`the shop is open again after ${(awayMs / 1000).toFixed(1)} s`)),
  });
}

function judged(violations: readonly Violation[], summary: string): boolean {
  const lines = reportTo(process.stdout, false);
  for (const violation of violations) lines.violation(violation);
  say(violations.length === 0 ? colours.green(summary) : colours.red(summary));
  return violations.length === 0;
}

function onTrouble(reason: string | null): void {
  if (reason) say(`waiting for the shop (${reason})`);
}

async function main(): Promise<void> {
  try {
    const args = readArguments(process.argv.slice(2));
    if (args === 'help') return void process.stdout.write(HELP);
    const isFine = await (args.kill || args.mischief ? demoInOwnShop : demo)(args, process.env);
    process.exitCode = isFine ? 0 : 1;
  } catch (error) {
    const isWrong = error instanceof WrongArguments;
    if (!isWrong && !isShopError(error) && !(error instanceof CouldNotLook)) throw error;
    say(`demo: ${error.message}${isWrong ? '\nSee `npm run demo -- --help`.' : ''}`);
    process.exitCode = isWrong ? WRONG_ARGUMENTS : 1;
  }
}

void main();
