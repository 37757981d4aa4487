import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { whyNoKafka } from '@banyan/development';
import { WrongArguments } from '../shop-client/command-line';
import { shippedTopologies } from '../topology/find-topology';
import { compare } from './compare';
import { journalOf, readRecords } from './journal';
import { differencesAsText, tableOf, type InTopology } from './report';
import { tellJourneys, type Told } from './tell';

const HELP = `Tells the customers' journeys of test/journeys, unchanged, in shops that are placed as topologies say, asked through the
gateway; then compares what they came to: final rows, messages per stream and answers, ids and times aside.

  npm run journeys -- --topology NAME|all [options]

  --topology NAME    as in deploy/topologies; may be given several times: each is compared with the first. all: every one,
                     the monolith first
  --only PATTERN     only the journeys in files whose paths match
  --keep FOLDER      keeps what was written down there, a folder per topology
  --totals FILE      writes there how many passed, failed and were skipped, as JSON
  --if-possible      where no Kafka can be had, says so and leaves it at that; not with REQUIRE_KAFKA=1
  --help             shows this

Each has a PostgreSQL, a Kafka and folders of its own. What may differ by nature, and what is not told where, is declared in
tools/journeys/declared-differences.ts and test/journeys/shop/placements.ts.
Exits 0 when every journey passed and nothing differs, 1 when not, 2 when the arguments are wrong.
`;

interface Arguments {
  topologies: string[];
  only: string | undefined;
  keep: string | undefined;
  totals: string | undefined;
  ifPossible: boolean;
}

const FIRST = 'monolith';

function readArguments(args: string[]): Arguments | 'help' {
  const { topology: named, only, keep, totals, help, 'if-possible': ifPossible } = parse(args);
  if (help) return 'help';
  const shipped = [FIRST, ...shippedTopologies().filter((name) => name !== FIRST)];
  const topologies = [...new Set((named ?? []).flatMap((name) => (name === 'all' ? shipped : [name])))];
  const unknown = topologies.find((name) => !shipped.includes(name));
  if (unknown !== undefined)
    throw new WrongArguments(`There is no topology ${unknown}: take all, ${shipped.join(', ')}.`);
  if (topologies.length === 0) throw new WrongArguments(`--topology is missing: take all, ${shipped.join(', ')}.`);
  return { topologies, only, keep, totals, ifPossible };
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        topology: { type: 'string', multiple: true },
        only: { type: 'string' },
        keep: { type: 'string' },
        totals: { type: 'string' },
        'if-possible': { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values;
  } catch (error) {
    throw new WrongArguments((error as Error).message);
  }
}

async function tellAndCompare({ topologies, only, keep }: Arguments): Promise<InTopology[]> {
  const folder = keep ?? mkdtempSync(join(tmpdir(), 'banyan-records-'));
  const all: InTopology[] = [];
  try {
    for (const topology of topologies) {
      say(`\n${topology} (${all.length + 1} of ${topologies.length}) …`);
      const records = join(folder, topology);
      rmSync(records, { recursive: true, force: true });
      mkdirSync(records, { recursive: true });
      const told = await tellJourneys(topology, records, only);
      const journal = journalOf(readRecords(records));
      const first = all[0];
      const differences = first ? compare(first.journal, journal, passedInBoth(first.told, told)) : [];
      all.push({ told, journal, differences });
    }
  } finally {
    if (keep === undefined) rmSync(folder, { recursive: true, force: true });
  }
  return all;
}

/** A journey that came to something else than in the first topology has failed, too. */
function totalsOf(all: readonly InTopology[]): { passed: number; failed: number; skipped: number } {
  const sum = (count: (one: InTopology) => number) => all.map(count).reduce((total, one) => total + one, 0);
  return {
    passed: sum(({ told }) => told.passed.size),
    failed: sum(({ told, differences }) => told.failed.size + new Set(differences.map(({ journey }) => journey)).size),
    skipped: sum(({ told }) => told.skipped.size),
  };
}

function whyNoTopologies({ ifPossible }: Arguments): string | null {
  const why = process.env['KAFKA_BROKERS'] ? null : whyNoKafka();
  if (why === null) return null;
  if (!ifPossible || process.env['REQUIRE_KAFKA'] === '1') throw new WrongArguments(`Topologies need a Kafka. ${why}`);
  return why;
}

/**
 * Whether there is something to compare: what failed, or was not told, came to nothing, and tells of itself; nor did a shop of
 * which a part was not told come to what the other did.
 */
function passedInBoth(first: Told, other: Told): (journey: string) => boolean {
  const lacking = [first, other].flatMap(({ failed, skipped }) => [...failed.keys(), ...skipped]);
  const files = new Set(lacking.map((journey) => journey.split(': ')[0]));
  return (journey) => {
    const [file, test] = journey.split(': ');
    return !lacking.includes(journey) && !(test === 'the shop itself' && files.has(file)) && !lacking.includes(file!);
  };
}

function show(all: readonly InTopology[]): void {
  const [first] = all;
  for (const { told, differences } of all) {
    for (const [journey, why] of told.failed) print(`\n${told.topology} FAILED ${journey}\n${why}`);
    if (differences.length > 0) {
      print(`\n${first!.told.topology} and ${told.topology} differ:`);
      print(differencesAsText(first!.told.topology, told.topology, differences));
    }
  }
  print(`\n${tableOf(all)}`);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

async function main(): Promise<void> {
  try {
    const args = readArguments(process.argv.slice(2));
    if (args === 'help') return void process.stdout.write(HELP);
    const why = whyNoTopologies(args);
    if (why !== null) return say(`NO KAFKA: ${why}\nThe journeys are not told in topologies.`);
    const all = await tellAndCompare(args);
    show(all);
    const totals = totalsOf(all);
    if (args.totals) writeFileSync(args.totals, JSON.stringify(totals));
    if (totals.failed > 0) process.exitCode = 1;
  } catch (error) {
    if (!(error instanceof WrongArguments)) throw error;
    say(`journeys: ${error.message}\nSee \`npm run journeys -- --help\`.`);
    process.exitCode = 2;
  }
}

void main();
