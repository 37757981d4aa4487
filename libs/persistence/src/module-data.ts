import type { DynamicModule, Type } from '@nestjs/common';
import type { Entities, Migration } from './connection';

/** What a module keeps in its database, as it told PersistenceModule.forModule. */
export interface ModuleData {
  /** The module's name; also the name of its schema. */
  module: string;
  entities?: Entities;
  migrations: readonly Migration[];
}

/** The token under which PersistenceModule keeps what it was told. */
export const MODULE_DATA = Symbol('MODULE_DATA');

/**
 * What this Nest module keeps in its database, read from its declaration: nothing is started for it, so that commands
 * can work on the schemas of modules that do not run. Throws where the module imports no PersistenceModule.
 */
export function moduleDataOf(nestModule: Type): ModuleData {
  const imports = (Reflect.getMetadata('imports', nestModule) ?? []) as (Type | DynamicModule)[];
  for (const imported of imports) {
    const providers = 'providers' in imported ? (imported.providers ?? []) : [];
    for (const provider of providers) {
      if ('provide' in provider && provider.provide === MODULE_DATA && 'useValue' in provider) {
        return provider.useValue as ModuleData;
      }
    }
  }
  throw new Error(`${nestModule.name} imports no PersistenceModule.forModule(…), so it has no database of its own.`);
}
