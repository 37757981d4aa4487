import { parseArgs } from 'node:util';
import { replay, type ReplayFrom } from '@banyan/messaging';
import { WrongArguments } from '../shop-client/command-line';
import { operatorAct, operatorOptions, timeOf } from './operator';
import { partyNamed, withDatabase, type Party } from './parties';
import { print, printJson } from './printed';

export const HELP = `Puts a subscriber back, so that it handles again what a module has sent since.

  npm run bus -- replay SUBSCRIBER SOURCE --from WHERE --why "…" [--who NAME] [--force] [--json]

  --from    beginning (of what is kept), a position (what comes after it is handled again), or a time in UTC
  --force   commands too. They ask for something to be done: every handler must answer a repeated one as the first

For example, when orders has lost its copy of the catalogue:

  npm run bus -- replay orders inventory --from beginning --why "catalogue restored"

Works beside a running shop, whose consumer begins anew within five seconds, and on a stopped one. What the subscriber
holds of the same messages comes again with them. It is recorded who did it and why.
`;

// It locks out nobody but the subscriber itself, and may have a long log to go through.
const TIMEOUT_MS = 600_000;

export async function run(args: string[], parties: readonly Party[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      ...operatorOptions,
      from: { type: 'string' },
      force: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  if (positionals.length !== 2)
    throw new WrongArguments('Name the subscriber and the source: replay orders inventory.');
  const subscriber = partyNamed(parties, positionals[0]);
  const source = partyNamed(parties, positionals[1]);
  const from = readFrom(values.from);
  const act = operatorAct(values);
  const replayed = await withDatabase(source, (sent) =>
    withDatabase(
      subscriber,
      (database) =>
        replay(
          {
            source: { module: source.module, database: sent },
            subscriber: { module: subscriber.module, database },
            from,
            force: values.force,
          },
          act,
        ),
      TIMEOUT_MS,
    ),
  );
  if (values.json) printJson(replayed);
  else {
    const { topics, from: had, to, streams, messages } = replayed;
    print(`${subscriber.module} goes back from ${had} to ${to} in the log of ${source.module} (${topics.join(', ')}):`);
    print(`${messages} messages will be delivered again, in ${streams} streams that it had taken over already.`);
  }
  return 0;
}

function readFrom(text: string | undefined): ReplayFrom {
  if (text === undefined) throw new WrongArguments('Say from where: --from beginning, a position, or a time.');
  if (text === 'beginning') return text;
  return /^\d+$/.test(text) ? { position: Number(text) } : { time: timeOf(text, '--from') };
}
