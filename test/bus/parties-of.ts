import { messagingMigrations, type Announcer } from '@banyan/messaging';
import type { Party } from '../../tools/bus/parties';
import type { PostOffice } from './post-office';

/** The office as operators' commands see it, by name; the post announces again what it is given. */
export function partiesOf({ bus, database }: PostOffice, announcers: readonly Announcer[] = []): Party[] {
  const members = [...bus.members.values()].sort((a, b) => a.module.localeCompare(b.module));
  return members.map(({ module, publishes, hears }) => ({
    ...{ module, publishes, hears, url: database.url, transactionTimeoutMs: 30_000 },
    announcers: module === 'post' ? announcers : [],
    migrations: messagingMigrations,
  }));
}
