import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import {
  ParkedMessageNotFound,
  ParkedMessages,
  type InspectedMessage,
  type OperatorAct,
  type ParkedFilter,
  type ParkedMessage,
} from '@banyan/messaging';
import type { Transaction } from '@banyan/persistence';
import { WrongArguments } from '../shop-client/command-line';
import { operatorAct, operatorOptions, timeOf } from './operator';
import { chosen, withDatabase, type Party } from './parties';
import { age, print, printJson, tableOf } from './printed';

export const HELP = `Messages that failed for good, each of which holds up its stream until somebody decides.

  npm run bus -- parked [list] [filter] [--limit N]        what is parked, per module
  npm run bus -- parked show ID                            one message: envelope, content, error, and what was done
  npm run bus -- parked redrive ID… --why "…"              tries them again at once, their attempts forgotten
  npm run bus -- parked redrive --all|filter --why "…"     tries all that match
  npm run bus -- parked edit ID --file FILE --why "…"      tries it with the JSON in FILE (- is the standard input)
  npm run bus -- parked discard ID… --why "…"              gives them up for good; their streams flow on

  --module M            only what this module has parked
  --type T, --key K, --code C, --since TIME
                        the filter: wire name, key of the stream, code of the error, held at this time or later
  --who NAME            who does it; your account on this machine by default
  --json                JSON instead

An edited content must be one that the module can read; a field shown as [secret] stays what it was if it is left so.
Every act is recorded with who, when and why. A running shop tries what was redriven within ten seconds, a stopped one
when it starts.
`;

const FAILED = 1;
// So that a million parked messages do not fill the screen.
const DEFAULT_LIMIT = 50;
const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const commands = { list, show, redrive, edit, discard };

interface Call {
  parties: readonly Party[];
  ids: string[];
  filter: ParkedFilter;
  filtered: boolean;
  values: ReturnType<typeof parse>['values'];
}

export async function run(args: string[], parties: readonly Party[]): Promise<number> {
  const { values, positionals } = parse(args);
  const [name = 'list', ...ids] = positionals;
  if (!Object.hasOwn(commands, name)) {
    throw new WrongArguments(`parked ${name} is not one of ${Object.keys(commands).join(', ')}.`);
  }
  const wrong = ids.find((id) => !ID.test(id));
  if (wrong !== undefined) throw new WrongArguments(`${wrong} is no id of a message.`);
  const { type, key, code: errorCode, since } = values;
  const heldSince = since === undefined ? undefined : timeOf(since, '--since');
  const filter = { type, key, errorCode, heldSince };
  const filtered = Object.values(filter).some((value) => value !== undefined);
  return commands[name as keyof typeof commands]({
    parties: chosen(parties, values.module),
    ids,
    filter,
    filtered,
    values,
  });
}

function parse(args: string[]) {
  return parseArgs({
    args,
    allowPositionals: true,
    options: {
      ...operatorOptions,
      module: { type: 'string', short: 'm' },
      type: { type: 'string' },
      key: { type: 'string' },
      code: { type: 'string' },
      since: { type: 'string' },
      limit: { type: 'string', default: String(DEFAULT_LIMIT) },
      all: { type: 'boolean', default: false },
      file: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
}

async function list({ parties, ids, filter, values }: Call): Promise<number> {
  if (ids.length > 0) throw new WrongArguments('list takes no id; parked show ID tells of one.');
  const limit = Number(values.limit);
  if (!(Number.isInteger(limit) && limit > 0))
    throw new WrongArguments(`--limit must be a number above 0, not ${values.limit}.`);
  const found: ({ module: string } & ParkedMessage)[] = [];
  let more = false;
  for (const party of parties) {
    const messages = await withParked(party, (parked) => parked.list(filter, { limit: limit + 1 }));
    more ||= messages.length > limit;
    found.push(...messages.slice(0, limit).map((message) => ({ module: party.module, ...message })));
  }
  if (values.json) printJson(found);
  else if (found.length === 0) print('Nothing is parked.');
  else {
    const rows = found.map(({ module, id, type, key, errorCode, attempts, heldAt, waitingBehind }) => [
      module, id, type, key, errorCode ?? '', attempts, age(heldAt), waitingBehind,
    ]); // prettier-ignore
    print(tableOf(['module', 'id', 'type', 'key', 'error', 'attempts', 'for', 'behind it'], rows));
    if (more) print(`There are more: --limit ${limit * 10}, or a filter.`);
  }
  return 0;
}

async function show({ parties, ids, values }: Call): Promise<number> {
  if (ids.length !== 1) throw new WrongArguments('Name one message: parked show ID.');
  const { party, message } = await find(parties, ids[0] as string);
  if (values.json) printJson({ module: party.module, ...message });
  else tell(party.module, message);
  return 0;
}

async function redrive({ parties, ids, filter, filtered, values }: Call): Promise<number> {
  const act = operatorAct(values);
  if (ids.length > 0) {
    if (filtered || values.all) throw new WrongArguments('Name messages, or a filter, not both.');
    return actOnEach(parties, ids, values.json, 'redriven', (parked, tx, id) => parked.redrive(tx, id, act));
  }
  if (filtered === values.all) throw new WrongArguments('Name messages, or a filter, or --all.');
  const redriven: { module: string; redriven: number }[] = [];
  for (const party of parties) {
    const count = await inTransaction(party, (parked, tx) => parked.redriveAll(tx, filter, act));
    redriven.push({ module: party.module, redriven: count });
  }
  if (values.json) printJson(redriven);
  else for (const { module, redriven: count } of redriven) print(`${module}: ${count} redriven.`);
  return 0;
}

async function edit({ parties, ids, values }: Call): Promise<number> {
  const act = operatorAct(values);
  if (ids.length !== 1) throw new WrongArguments('Name one message: parked edit ID --file FILE.');
  const content = readContent(values.file);
  return actOnEach(parties, ids, values.json, 'edited and redriven', (parked, tx, id) =>
    parked.editAndRedrive(tx, id, content, act),
  );
}

async function discard({ parties, ids, values }: Call): Promise<number> {
  const act: OperatorAct = operatorAct(values);
  if (ids.length === 0) throw new WrongArguments('Name the messages to discard; nothing is discarded by filter.');
  return actOnEach(parties, ids, values.json, 'discarded', (parked, tx, id) => parked.discard(tx, id, act));
}

/** Each in a transaction of its own, so that one that is refused keeps none of the others; 1 where any was. */
async function actOnEach(
  parties: readonly Party[],
  ids: readonly string[],
  json: boolean,
  done: string,
  act: (parked: ParkedMessages, tx: Transaction, id: string) => Promise<void>,
): Promise<number> {
  const results: { id: string; module?: string; done: boolean; error?: string }[] = [];
  for (const id of ids) {
    try {
      const { party } = await find(parties, id);
      await inTransaction(party, (parked, tx) => act(parked, tx, id));
      results.push({ id, module: party.module, done: true });
    } catch (error) {
      if (typeof (error as { code?: unknown }).code !== 'string') throw error;
      results.push({ id, done: false, error: (error as Error).message });
    }
  }
  if (json) printJson(results);
  else for (const { id, module, error } of results) print(error ?? `${module}: ${id} ${done}.`);
  return results.every((result) => result.done) ? 0 : FAILED;
}

/** The message, and the module that holds it. Throws ParkedMessageNotFound. */
async function find(parties: readonly Party[], id: string): Promise<{ party: Party; message: InspectedMessage }> {
  for (const party of parties) {
    try {
      return { party, message: await withParked(party, (parked) => parked.inspect(id)) };
    } catch (error) {
      if (!(error instanceof ParkedMessageNotFound)) throw error;
    }
  }
  throw new ParkedMessageNotFound(id);
}

const withParked = <T>(party: Party, work: (parked: ParkedMessages) => Promise<T>) =>
  withDatabase(party, (database) => work(new ParkedMessages(database, party.hears)));

const inTransaction = <T>(party: Party, work: (parked: ParkedMessages, tx: Transaction) => Promise<T>) =>
  withDatabase(party, (database) => {
    const parked = new ParkedMessages(database, party.hears);
    return database.transaction((tx) => work(parked, tx));
  });

function readContent(file: string | undefined): Record<string, unknown> {
  if (file === undefined)
    throw new WrongArguments('Say where the new content is: --file FILE, or --file - for the standard input.');
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file === '-' ? process.stdin.fd : file, 'utf8'));
  } catch (error) {
    throw new WrongArguments(`--file ${file}: ${(error as Error).message}`);
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw new WrongArguments(`--file ${file} must hold a JSON object.`);
  }
  return content as Record<string, unknown>;
}

function tell(module: string, message: InspectedMessage): void {
  const { id, type, source, topic, key, sequence, state, attempts, errorCode, error, heldAt, waitingBehind } = message;
  print(`${type} ${id}`);
  print(
    `  ${state} in ${module} since ${heldAt.toISOString()}, after ${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}; waiting behind it: ${waitingBehind}`,
  );
  print(`  sent by ${source}: ${topic}/${key} #${sequence}`);
  if (error) print(`  error ${errorCode}: ${error}`);
  print('  envelope');
  for (const [name, value] of Object.entries(message.headers)) print(`    ${name}: ${value}`);
  print('  content');
  print(indented(message.content));
  for (const { at, act, who, why, original, edited } of message.acts) {
    print(`  ${act} by ${who} at ${at.toISOString()}: ${why}`);
    if (original !== null) print(`    from\n${indented(original)}\n    to\n${indented(edited)}`);
  }
}

const indented = (content: unknown) =>
  (typeof content === 'string' ? content : JSON.stringify(content, null, 2)).replaceAll(/^/gm, '    ');
