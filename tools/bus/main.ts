import 'reflect-metadata';
import { loadSettings, SettingsError } from '@banyan/config';
import { joinDevelopment } from '@banyan/development';
import { CouldNotLook } from '../audit/could-not-look';
import { WrongArguments } from '../shop-client/command-line';
import * as parked from './parked';
import { partiesOf, type Party } from './parties';
import * as replay from './replay';
import * as republish from './republish';
import * as status from './status';
import { topicsOf, type LookAtTopics } from './topics';
import * as trace from './trace';

const HELP = `What goes on between the modules, and what to do where it does not.

  npm run bus -- status      how far every subscriber is, and what every module holds
  npm run bus -- trace ID    the story of an order across modules
  npm run bus -- parked …    messages that failed for good: list, show, redrive, edit, discard
  npm run bus -- replay …    puts a subscriber back
  npm run bus -- republish … has a module announce again what it has announced

Each explains itself with --help. The databases are DATABASE_URL (or a module's own, such as ORDERS_DATABASE_URL), or
else the development database: that of the shop running now, or started for the length of the command. Where messages go
over Kafka, status asks the brokers of KAFKA_BROKERS, or of the shop running now.
Exits 0 when done, 1 when something was refused or not found, 2 when it was called wrongly or could not look.
`;

const REFUSED = 1;
const COULD_NOT = 2;

interface Command {
  HELP: string;
  run(args: string[], parties: readonly Party[], lookAtTopics: LookAtTopics): Promise<number>;
}

const commands: Readonly<Record<string, Command>> = { status, trace, parked, replay, republish };

async function main([name, ...args]: string[], environment: NodeJS.ProcessEnv): Promise<number> {
  if (name === undefined || name === '--help' || name === '-h') {
    process.stdout.write(HELP);
    return 0;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!command) throw new WrongArguments(`${name} is not one of ${Object.keys(commands).join(', ')}.`);
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(command.HELP);
    return 0;
  }
  const joins = !environment['DATABASE_URL'] && environment['NODE_ENV'] !== 'production';
  const development = joins ? await joinDevelopment(environment) : undefined;
  try {
    const settings = loadSettings({ ...environment, ...development?.env });
    return await command.run(args, partiesOf(settings), topicsOf(settings));
  } finally {
    await development?.stop();
  }
}

// Whoever reads, as `head` does, may have had enough.
process.stdout.on('error', () => process.exit());

const say = (line: string) => process.stderr.write(`bus: ${line}\n`);

main(process.argv.slice(2), process.env).then(
  (code) => {
    process.exitCode = code;
  },
  (error: Error & { code?: unknown }) => {
    const wrong = error instanceof WrongArguments || String(error.code).startsWith('ERR_PARSE_ARGS');
    process.exitCode = wrong || error instanceof CouldNotLook || error instanceof SettingsError ? COULD_NOT : REFUSED;
    if (wrong) say(`${error.message}\nSee \`npm run bus -- --help\`, or --help after the command.`);
    else if (error instanceof CouldNotLook || error instanceof SettingsError || typeof error.code === 'string')
      say(error.message);
    else say(error.stack ?? String(error));
  },
);
