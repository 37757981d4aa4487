import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { loadSettings, type Settings } from '@banyan/config';
import { joinDevelopment, projectFolder } from '@banyan/development';
import {
  migrate,
  migrationStatus,
  prepareDatabase,
  revertLatest,
  schemaDifference,
  type ModuleData,
} from '@banyan/persistence';
import { moduleData } from './modules';
import { newMigration } from './new-migration';

const HELP = `Migrations, module by module.

  npm run db -- migrate [--module M]                 runs what is pending
  npm run db -- status [--module M]                  what has run and what is pending; exit 1 if anything is
  npm run db -- revert --module M                    takes the latest one back
  npm run db -- generate --module M --name WHAT      writes one: the difference between the module's entities and its
                                                     schema, or an empty one for SQL by hand

The database is DATABASE_URL (or a module's own, such as ORDERS_DATABASE_URL), or else the development database: that of
the shop running now, or started for the length of the command.
`;

const FAILED = 1;
const WRONG_ARGUMENTS = 2;
// What PostgreSQL answers to a session that asks for a role which does not exist.
const INVALID_PARAMETER_VALUE = '22023';

class WrongArguments extends Error {}

interface Arguments {
  command: 'migrate' | 'status' | 'revert' | 'generate';
  modules: ModuleData[];
  name: string;
}

const commands: Record<Arguments['command'], (settings: Settings, args: Arguments) => Promise<number>> = {
  migrate: async (settings, { modules }) => {
    for (const { module, migrations } of modules) {
      const url = settings.database.urlFor(module);
      await prepareDatabase(module, url);
      const ran = await migrate(module, url, migrations);
      say(`${module}: ${ran.length === 0 ? 'up to date' : `ran ${ran.join(', ')}`}`);
    }
    return 0;
  },

  status: async (settings, { modules }) => {
    let pending = 0;
    for (const { module, migrations } of modules) {
      for (const { name, ran } of await statusOf(module, settings.database.urlFor(module), migrations)) {
        say(`${module}  ${ran ? 'ran    ' : 'pending'}  ${name}`);
        if (!ran) pending += 1;
      }
    }
    say(pending === 0 ? 'Nothing is pending.' : `${pending} pending: npm run db -- migrate runs them.`);
    return pending === 0 ? 0 : FAILED;
  },

  revert: async (settings, { modules }) => {
    for (const { module, migrations } of modules) {
      const reverted = await revertLatest(module, settings.database.urlFor(module), migrations);
      say(`${module}: ${reverted ? 'took the latest migration back' : 'has no migration to take back'}`);
    }
    return 0;
  },

  generate: async (settings, { modules, name }) => {
    for (const { module, entities } of modules) {
      const folder = join(projectFolder(), 'libs', module, 'src', 'migrations');
      const difference = entities
        ? await schemaDifference(module, settings.database.urlFor(module), entities)
        : { up: [], down: [] };
      if (entities && difference.up.length === 0) {
        say(`${module}: its schema is as its entities say.`);
        continue;
      }
      const { file, className, text } = newMigration(name, new Date(), difference);
      const path = join(folder, file);
      if (existsSync(path)) throw new WrongArguments(`${relative('.', path)} is there already: choose another --name.`);
      mkdirSync(folder, { recursive: true });
      writeFileSync(path, text);
      say(`${module}: wrote ${relative('.', path)}; read it, then add ${className} to the module's migrations.`);
    }
    return 0;
  },
};

/** Where not even the module's role is there yet, all of its migrations are pending. */
async function statusOf(module: string, url: string, migrations: ModuleData['migrations']) {
  try {
    return await migrationStatus(module, url, migrations);
  } catch (error) {
    if ((error as { code?: string }).code !== INVALID_PARAMETER_VALUE) throw error;
    return migrations.map(({ name }) => ({ name, ran: false }));
  }
}

function readArguments(args: string[]): Arguments | 'help' {
  const { values, positionals } = parse(args);
  const [command] = positionals;
  if (values.help || command === undefined) return 'help';
  if (!isCommand(command) || positionals.length > 1) {
    throw new WrongArguments(`${positionals.join(' ')} is not one of ${Object.keys(commands).join(', ')}.`);
  }
  const modules = values.module ? moduleData.filter(({ module }) => module === values.module) : moduleData;
  const known = moduleData.map(({ module }) => module).join(', ');
  if (modules.length === 0) throw new WrongArguments(`There is no module ${values.module}, only ${known}.`);
  if (command === 'revert' || command === 'generate') {
    if (!values.module) throw new WrongArguments(`Say which module: --module ${known.replaceAll(', ', ' | ')}.`);
  }
  if (command === 'generate' && !/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(values.name ?? '')) {
    throw new WrongArguments('Say what the migration does, in words joined by dashes: --name add-coupons.');
  }
  return { command, modules, name: values.name ?? '' };
}

const isCommand = (word: string): word is Arguments['command'] => Object.hasOwn(commands, word);

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        module: { type: 'string', short: 'm' },
        name: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    throw new WrongArguments((error as Error).message);
  }
}

async function run(): Promise<number> {
  const args = readArguments(process.argv.slice(2));
  if (args === 'help') {
    say(HELP.trimEnd());
    return 0;
  }
  const joins = !process.env['DATABASE_URL'] && process.env['NODE_ENV'] !== 'production';
  const development = joins ? await joinDevelopment(process.env) : undefined;
  try {
    return await commands[args.command](loadSettings({ ...process.env, ...development?.env }), args);
  } finally {
    await development?.stop();
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

run().then(
  (code) => {
    process.exitCode = code;
  },
  (error: Error) => {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = error instanceof WrongArguments ? WRONG_ARGUMENTS : FAILED;
  },
);
