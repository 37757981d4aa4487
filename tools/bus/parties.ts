import type { Settings } from '@banyan/config';
import { moduleMessagesOf, type ModuleMessages } from '@banyan/messaging';
import { moduleDataOf, openDatabase, type Database, type ModuleData } from '@banyan/persistence';
import { modules } from '../../apps/monolith/src/modules';
import { WrongArguments } from '../shop-client/command-line';

/** A module as the bus sees it: what it sends and hears, and where its data lies. Nothing of it has to run. */
export interface Party extends Required<Omit<ModuleMessages, 'persistence'>>, Pick<ModuleData, 'migrations'> {
  url: string;
  transactionTimeoutMs: number;
}

export function partiesOf({ database }: Settings): Party[] {
  return modules.map((nestModule) => {
    const messages = moduleMessagesOf(nestModule);
    return {
      ...messages,
      migrations: moduleDataOf(nestModule).migrations,
      url: database.urlFor(messages.module),
      transactionTimeoutMs: database.transactionTimeoutMs,
    };
  });
}

/** The party of that name. Throws WrongArguments where there is none. */
export function partyNamed(parties: readonly Party[], name: string | undefined): Party {
  const party = parties.find(({ module }) => module === name);
  if (party) return party;
  const known = parties.map(({ module }) => module).join(', ');
  throw new WrongArguments(
    name === undefined ? `Name a module: ${known}.` : `There is no module ${name}, only ${known}.`,
  );
}

/** All parties, or the one that is named. */
export function chosen(parties: readonly Party[], name: string | undefined): readonly Party[] {
  return name === undefined ? parties : [partyNamed(parties, name)];
}

/** Works on a module's database. Throws PendingMigrations, or what says that the database is away. */
export async function withDatabase<T>(
  { module, url, migrations, transactionTimeoutMs }: Party,
  work: (database: Database) => Promise<T>,
  timeoutMs = transactionTimeoutMs,
): Promise<T> {
  const database = await openDatabase({
    ...{ module, url, migrations, entities: [], poolSize: 2, transactionTimeoutMs: timeoutMs, migrate: false },
  });
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}
