import { SETTINGS, Settings } from '@banyan/config';
import { DynamicModule, Inject, Injectable, Module, OnApplicationShutdown } from '@nestjs/common';
import { Database } from './database';
import { MODULE_DATA, ModuleData } from './module-data';
import { openDatabase } from './open-database';

@Injectable()
class ClosesDatabase implements OnApplicationShutdown {
  constructor(@Inject(Database) private readonly database: Database) {}

  async onApplicationShutdown(): Promise<void> {
    await this.database.close();
  }
}

/** Gives a module its own Database: prepared, migrated and connected before anything of the module starts. */
@Module({})
export class PersistenceModule {
  /** Keep what this returns: the same object must be imported wherever the module's Database is needed. */
  static forModule(data: ModuleData): DynamicModule {
    return {
      module: PersistenceModule,
      providers: [
        { provide: MODULE_DATA, useValue: data },
        {
          provide: Database,
          inject: [SETTINGS],
          useFactory: (settings: Settings) =>
            openDatabase({
              module: data.module,
              url: settings.database.urlFor(data.module),
              poolSize: settings.database.poolSize,
              transactionTimeoutMs: settings.database.transactionTimeoutMs,
              entities: data.entities ?? [],
              migrations: data.migrations,
              migrate: settings.environment !== 'production',
            }),
        },
        ClosesDatabase,
      ],
      exports: [Database],
    };
  }
}
