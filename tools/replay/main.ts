import { constants } from 'node:fs';
import { access, stat, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { adminLogin } from '../shop-client/admin-login';
import { shopUrl, WrongArguments } from '../shop-client/command-line';
import { isShopError } from '../shop-client/errors';
import { Shop } from '../shop-client/shop';
import { beside, ImpossibleOrder, planReplay, type Plan } from './plan';
import { play, ShopDiffers } from './play';
import { progressOn, type Progress } from './progress';
import { readInvoices, UnreadableInput } from './read-invoices';
import { expectedReport, reportOf, tableOf, type Report } from './report';

const HELP = `Plays a real shop's invoices through the public HTTP API and reports what became of them.

  npm run replay -- DIR_OR_CSV… [options]

  --base-url URL     the shop; http://127.0.0.1:3000 by default, with PORT where it is set
  --concurrency N    how many customers order at the same time; 16 by default
  --as NAME          once more beside earlier runs: with products and customers of its own, called after NAME
  --report FILE      writes the report there too, as JSON
  --dry-run          asks the shop for nothing and shows what the report must come to
  --help             shows this

The admin is ADMIN_EMAIL and ADMIN_PASSWORD, or else the development shop's. A folder stands for its *.csv by name; the
columns are InvoiceNo, StockCode, Description, Quantity, UnitPrice and CustomerID, in any order. Run again, or killed
and run again, it places nothing twice and reports the same.

Exits 0 when everything came out as the invoices say, 1 when it did not or the shop could not be reached, 2 when the
arguments or the input are wrong.
`;

const FAILED = 1;
const WRONG_INPUT = 2;
// With it, the longest stock code still makes a sku.
const NAME = /^[A-Za-z0-9-]{1,40}$/;

interface Arguments {
  paths: string[];
  baseUrl: string;
  concurrency: number;
  name: string | undefined;
  reportFile: string | undefined;
  dryRun: boolean;
}

function readArguments(args: string[], environment: NodeJS.ProcessEnv): Arguments | 'help' {
  let parsed;
  try {
    parsed = parseArgs({
      args,
      allowPositionals: true,
      options: {
        'base-url': { type: 'string' },
        concurrency: { type: 'string', default: '16' },
        as: { type: 'string' },
        report: { type: 'string' },
        'dry-run': { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    throw new WrongArguments((error as Error).message);
  }
  const { values, positionals } = parsed;
  if (values.help) return 'help';
  if (positionals.length === 0) throw new WrongArguments('Name at least one folder or CSV file of invoices.');
  const baseUrl = shopUrl(values['base-url'], environment);
  const concurrency = Number(values.concurrency);
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > 1000) {
    throw new WrongArguments(`--concurrency must be a whole number from 1 to 1000, not ${values.concurrency}.`);
  }
  if (values.as !== undefined && !NAME.test(values.as)) {
    throw new WrongArguments(`--as must be 1 to 40 letters, digits and dashes, not ${values.as}.`);
  }
  const { as: name, report: reportFile, 'dry-run': dryRun } = values;
  return { paths: positionals, baseUrl, concurrency, name, reportFile, dryRun };
}

async function replay(args: Arguments, environment: NodeJS.ProcessEnv, progress: Progress): Promise<number> {
  // A report that cannot be written should not cost an hour first.
  if (args.reportFile) await assertWritable(args.reportFile);
  const read = planReplay(await readInvoices(args.paths));
  const plan = args.name === undefined ? read : beside(read, args.name);
  const expected = expectedReport(plan);
  if (args.dryRun) {
    await tell(expected, args.reportFile);
    return 0;
  }

  const shop = new Shop(args.baseUrl, { onTrouble: (reason) => progress.trouble(reason) });
  try {
    const admin = await shop.signIn(await adminLogin(environment));
    const report = reportOf(plan, await play(plan, shop, admin, { concurrency: args.concurrency, progress }));
    await tell(report, args.reportFile);
    return differences(plan, report, expected);
  } finally {
    progress.end();
    await shop.close();
  }
}

async function assertWritable(file: string): Promise<void> {
  const folder = dirname(resolve(file));
  const isFolder = await stat(file).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (isFolder) throw new WrongArguments(`--report: ${file} is a folder; name a file.`);
  try {
    await access(folder, constants.W_OK);
  } catch {
    throw new WrongArguments(`--report: there is no folder ${folder} that may be written to.`);
  }
}

async function tell(report: Report, file: string | undefined): Promise<void> {
  process.stdout.write(`${tableOf(report)}\n`);
  if (file) await writeFile(file, `${JSON.stringify(report, null, 2)}\n`);
}

/** The exit code; says on stderr what the shop came to that the invoices do not say. */
function differences(plan: Plan, report: Report, expected: Report): number {
  if (report.orders.cancelled > 0) {
    process.stderr.write(`The shop cancelled ${report.orders.cancelled} of ${plan.orders.count} orders.\n`);
  }
  return JSON.stringify(report) === JSON.stringify(expected) ? 0 : FAILED;
}

/** Errors whose message says all there is to say. */
function exitCodeOf(error: unknown): number | undefined {
  if (error instanceof WrongArguments || error instanceof UnreadableInput || error instanceof ImpossibleOrder) {
    return WRONG_INPUT;
  }
  return isShopError(error) || error instanceof ShopDiffers ? FAILED : undefined;
}

async function main(): Promise<void> {
  const progress = progressOn(process.stderr);
  for (const [signal, exitCode] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.once(signal, () => {
      progress.end();
      process.stderr.write('Interrupted; run it again to carry on where it stopped.\n');
      process.exit(exitCode);
    });
  }
  try {
    const args = readArguments(process.argv.slice(2), process.env);
    if (args === 'help') process.stdout.write(HELP);
    else process.exitCode = await replay(args, process.env, progress);
  } catch (error) {
    const exitCode = exitCodeOf(error);
    if (exitCode === undefined) throw error;
    process.stderr.write(`replay: ${(error as Error).message}\n`);
    if (error instanceof WrongArguments) process.stderr.write('See `npm run replay -- --help`.\n');
    process.exitCode = exitCode;
  }
}

void main();
