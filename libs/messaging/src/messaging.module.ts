import { Database } from '@banyan/persistence';
import { DynamicModule, Module } from '@nestjs/common';
import { Bus } from './bus';
import { MessageDefinition, Subscription } from './definitions';
import { Outbox } from './outbox';

export interface ModuleMessages {
  module: string;
  /** What PersistenceModule.forModule returned for this module. */
  persistence: DynamicModule;
  /** Events that the module announces, and commands that it sends. */
  publishes: readonly MessageDefinition<never>[];
  hears: readonly Subscription<never>[];
}

@Module({ providers: [Bus], exports: [Bus] })
class BusModule {}

/** Makes a module a member of the bus and gives it its Outbox. */
@Module({})
export class MessagingModule {
  static forModule({ module, persistence, publishes, hears }: ModuleMessages): DynamicModule {
    return {
      module: MessagingModule,
      imports: [BusModule, persistence],
      providers: [
        {
          provide: Outbox,
          inject: [Bus, Database],
          useFactory: (bus: Bus, database: Database) =>
            bus.join({
              module,
              database,
              publishes: publishes as unknown as readonly MessageDefinition[],
              hears: hears as unknown as readonly Subscription[],
            }),
        },
      ],
      exports: [Outbox, BusModule],
    };
  }
}
