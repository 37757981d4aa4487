import { Database } from '@banyan/persistence';
import { DynamicModule, Module } from '@nestjs/common';
import { Bus } from './bus';
import { Sendable, Subscription } from './definitions';
import { Outbox } from './outbox';
import { OutboxPartitions } from './outbox-partitions';

export interface ModuleMessages {
  module: string;
  /** What PersistenceModule.forModule returned for this module. */
  persistence: DynamicModule;
  /** Events that the module announces, and commands that it sends. */
  publishes: readonly Sendable[];
  hears: readonly Subscription[];
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
          useFactory: async (bus: Bus, database: Database) => {
            // Modules publish while they start (seeds, first keys), before the transport does.
            await new OutboxPartitions(database).makeAhead(new Date());
            return bus.join({ module, database, publishes, hears });
          },
        },
      ],
      exports: [Outbox, BusModule],
    };
  }
}
