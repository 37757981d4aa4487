import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { databaseVariableOf, MODULE_DATABASE_URL } from '@banyan/config';
import { projectFolder } from '@banyan/development';
import type { Topology } from '@banyan/topology';

/** What a process is to host, and over which transport it speaks with the others. */
export interface Placement {
  modules: readonly string[];
  transport: Topology['transport'];
  databases: Topology['databases'];
  /** Of its modules, those whose events others hear; read only where the transport is mixed. */
  exportedEvents: readonly string[];
}

/** What a module hears, as far as it matters who else must be able to send it: wire names. */
export interface Hearing {
  module: string;
  hears: readonly { type: string; kind: 'event' | 'command' }[];
}

/** A module's own app has its name, if it has one; every other combination is hosted by the monolith. */
export function programOf(modules: readonly string[]): string {
  const [module = '', ...others] = modules;
  return others.length === 0 && existsSync(join(projectFolder(), 'apps', module, 'src/main.ts')) ? module : 'monolith';
}

/**
 * The environment of an app that is placed so, made of what all of them have: what it hosts, its transport, and where its
 * data is. The databases of other modules are taken out, so that one apart is really apart. Where databases are apart, so
 * are topics: streams count from 1 in each database.
 */
export function placed(
  { modules, transport, databases, exportedEvents }: Placement,
  environment: NodeJS.ProcessEnv,
): NodeJS.ProcessEnv {
  const own = modules.map(databaseVariableOf);
  const foreign = (name: string) => name.endsWith(MODULE_DATABASE_URL) && !own.includes(name);
  const kept = Object.fromEntries(Object.entries(environment).filter(([name]) => !foreign(name)));
  return {
    ...kept,
    ...(databases === 'apart' && { DATABASE_URL: '', KAFKA_PREFIX: prefixApart(environment) }),
    MODULES: modules.join(','),
    EVENT_TRANSPORT: transport,
    BUS_EXPORTED_EVENTS: transport === 'mixed' ? exportedEvents.join(',') || 'none' : '',
  };
}

/** What topics and groups begin with where every module has a database of its own. */
export const prefixApart = ({ KAFKA_PREFIX }: NodeJS.ProcessEnv) => `${KAFKA_PREFIX || 'banyan'}-apart`;

/** Of these modules, those of which a module that is not among them, or that runs elsewhere too, hears an event. */
export function exportedEvents(
  modules: readonly string[],
  elsewhere: readonly string[],
  hearings: readonly Hearing[],
): string[] {
  const heard = hearings
    .filter(({ module }) => elsewhere.includes(module))
    .flatMap(({ hears }) => hears.filter(({ kind }) => kind === 'event').map(({ type }) => type.split('.')[0]!));
  return modules.filter((module) => heard.includes(module));
}
