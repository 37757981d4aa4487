import { parseArgs } from 'node:util';
import { Outbox, republish, type Announcer } from '@banyan/messaging';
import { WrongArguments } from '../shop-client/command-line';
import { partyNamed, withDatabase, type Party } from './parties';
import { print, printJson } from './printed';

export const HELP = `Has a module announce again, in full, what it has announced: for a subscriber that came when the log's beginning was gone.

  npm run bus -- republish [MODULE [WHAT…]] [--json]

Without a module, shows what each can announce. For example:

  npm run bus -- republish inventory products

Written through the module's own outbox, in pages of 500, each a transaction: a running shop hears of it within seconds,
a stopped one when it starts. Interrupted, it has announced a part; run it again, since handlers are upserts.
`;

export async function run(args: string[], parties: readonly Party[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { json: { type: 'boolean', default: false } },
  });
  const [module, ...wanted] = positionals;
  if (module === undefined) {
    list(parties, values.json);
    return 0;
  }
  const party = partyNamed(parties, module);
  const announcers = announcersOf(party, wanted);
  const results = await withDatabase(party, async (database) => {
    const outbox = new Outbox(module, () => undefined);
    const announced = [];
    for (const announcer of announcers) {
      const { of } = announcer;
      const result = await republish(database, outbox, announcer, (count) => progress(`${module} ${of}: ${count}`));
      announced.push({ of, ...result });
    }
    return announced;
  });
  progress('');
  if (values.json) printJson(results);
  else for (const { of, announced, correlationId } of results) print(`${module} announced ${announced} ${of} again (correlation ${correlationId}).`); // prettier-ignore
  return 0;
}

function announcersOf({ module, announcers }: Party, wanted: readonly string[]): readonly Announcer[] {
  const known = announcers.map(({ of }) => of);
  if (known.length === 0) throw new WrongArguments(`${module} announces nothing again.`);
  const unknown = wanted.filter((name) => !known.includes(name));
  if (unknown.length > 0)
    throw new WrongArguments(`${module} knows no ${unknown.join(', ')}, only ${known.join(', ')}.`);
  return wanted.length === 0 ? announcers : announcers.filter(({ of }) => wanted.includes(of));
}

function list(parties: readonly Party[], json: boolean): void {
  const able = parties.map(({ module, announcers }) => ({ module, announces: announcers.map(({ of }) => of) }));
  if (json) printJson(able);
  else for (const { module, announces } of able) print(`${module}  ${announces.join(', ') || '(nothing)'}`);
}

/** One line that is overwritten, for a person who watches. */
function progress(line: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`);
}
