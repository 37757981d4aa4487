import { randomUUID } from 'node:crypto';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import colours from 'picocolors';
import { adminLogin } from '../shop-client/admin-login';
import { shopUrl, WrongArguments } from '../shop-client/command-line';
import { isShopError } from '../shop-client/errors';
import { written } from '../shop-client/money';
import type { Session } from '../shop-client/session';
import { Shop } from '../shop-client/shop';
import { PRODUCTS, SCENARIOS } from './scenarios';
import { visit, type Outcome } from './visit';

const HELP = `Places twenty orders of every kind against a running shop, and shows what became of each.

  npm run demo [-- options]

  --base-url URL     the shop; http://127.0.0.1:3000 by default, with PORT where it is set
  --patience SECS    how long an order may take to end; 180 by default
  --help             shows this

The admin is ADMIN_EMAIL and ADMIN_PASSWORD, or else the development shop's. Every run has customers and products of
its own, so it may be run as often as you like. Exits 1 when an order ended otherwise than it should, or not at all.
`;

const CURRENCY = 'GBP';

function readArguments(
  args: string[],
  environment: NodeJS.ProcessEnv,
): { baseUrl: string; patienceMs: number } | 'help' {
  let values;
  try {
    ({ values } = parseArgs({
      args,
      options: {
        'base-url': { type: 'string' },
        patience: { type: 'string', default: '180' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }));
  } catch (error) {
    throw new WrongArguments((error as Error).message);
  }
  if (values.help) return 'help';
  const baseUrl = shopUrl(values['base-url'], environment);
  const seconds = Number(values.patience);
  if (!(seconds > 0)) throw new WrongArguments(`--patience must be a number of seconds, not ${values.patience}.`);
  return { baseUrl, patienceMs: seconds * 1000 };
}

async function demo(baseUrl: string, patienceMs: number, environment: NodeJS.ProcessEnv): Promise<number> {
  const shop = new Shop(baseUrl, {
    onTrouble: (reason) => {
      if (reason) say(`waiting for the shop (${reason})`);
    },
  });
  try {
    const run = randomUUID().slice(0, 8);
    const admin = await shop.signIn(await adminLogin(environment));
    const products = await listProducts(admin, run);
    const customers = await registerCustomers(shop, run);
    say(`${SCENARIOS.length} orders, placed at the same time:`);
    const outcomes = await Promise.all(
      SCENARIOS.map(async (scenario, number) => {
        const key = `demo-${run}-${number + 1}`;
        const outcome = await visit(scenario, customers.get(scenario.customer)!, products, key, patienceMs);
        say(lineAbout(number, outcome));
        return outcome;
      }),
    );
    process.stdout.write(`${tableOf(outcomes)}\n`);
    const wrong = outcomes.filter(({ complaints }) => complaints.length > 0).length;
    say(
      wrong === 0
        ? colours.green('Every order ended as it should.')
        : colours.red(`${wrong} of ${outcomes.length} orders ended otherwise than they should, or not at all.`),
    );
    return wrong === 0 ? 0 : 1;
  } finally {
    await shop.close();
  }
}

async function listProducts(admin: Session, run: string): Promise<Map<string, string>> {
  const ids = new Map<string, string>();
  for (const [number, [name, { price, stock }]] of Object.entries(PRODUCTS).entries()) {
    const sku = `DEMO-${run.toUpperCase()}-${number + 1}`;
    const product = await admin.listProduct({ sku, name, price: { amount: price, currency: CURRENCY }, stock }, sku);
    ids.set(name, product.id);
  }
  return ids;
}

async function registerCustomers(shop: Shop, run: string): Promise<Map<string, Session>> {
  const names = [...new Set(SCENARIOS.map(({ customer }) => customer))];
  const sessions = await Promise.all(
    names.map(async (name) => {
      const email = `${name.toLowerCase()}-${run}@demo.banyan.example`;
      return [name, await shop.register({ email, password: randomUUID() }, name)] as const;
    }),
  );
  return new Map(sessions);
}

function lineAbout(number: number, { scenario, order, tookMs, complaints }: Outcome): string {
  const mark = complaints.length === 0 ? colours.green('✔') : colours.red('✘');
  const end = order ? `${order.status}${order.cancelReason ? ` (${order.cancelReason})` : ''}` : 'refused';
  const what = `${String(number + 1).padStart(2)} ${scenario.customer} ${scenario.says}`;
  return `${mark} ${what}: ${end} after ${(tookMs / 1000).toFixed(1)} s`;
}

function tableOf(outcomes: readonly Outcome[]): string {
  const table = new Table({
    head: ['', 'customer', 'what happens', 'expected', 'became', 'paid', 'seconds', ''].map(colours.bold),
    colAligns: ['right', 'left', 'left', 'left', 'left', 'right', 'right', 'left'],
    // Narrow enough for a terminal of 120 columns.
    colWidths: [null, null, 30],
    wordWrap: true,
    style: { head: [], border: [] },
    chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
  });
  const ending = (status: string, reason?: string | null) => (reason ? `${status}, ${reason}` : status);
  const price = (amount: number) => written({ amount, currency: CURRENCY });
  for (const [number, { scenario, order, kept, tookMs, complaints }] of outcomes.entries()) {
    table.push([
      number + 1,
      scenario.customer,
      scenario.says,
      ending(scenario.becomes, scenario.cancelReason),
      order ? ending(order.status, order.cancelReason) : 'refused',
      price(kept),
      (tookMs / 1000).toFixed(1),
      complaints.length === 0 ? colours.green('✔') : colours.red(`✘ ${complaints.join('; ')}`),
    ]);
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
    else process.exitCode = await demo(args.baseUrl, args.patienceMs, process.env);
  } catch (error) {
    const isWrong = error instanceof WrongArguments;
    if (!isWrong && !isShopError(error)) throw error;
    say(`demo: ${error.message}${isWrong ? '\nSee `npm run demo -- --help`.' : ''}`);
    process.exitCode = isWrong ? 2 : 1;
  }
}

void main();
