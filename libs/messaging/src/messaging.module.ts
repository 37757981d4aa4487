import { Database } from '@banyan/persistence';
import { HealthIndicators } from '@banyan/telemetry';
import { DynamicModule, Module, Type } from '@nestjs/common';
import { Announcer } from './announcer';
import { Bus } from './bus';
import { busHealth } from './bus-health';
import { Sendable, Subscription } from './definitions';
import { Outbox } from './outbox';
import { OutboxPartitions } from './outbox-partitions';
import { ParkedMessages } from './parked-messages';

export interface ModuleMessages {
  module: string;
  /** What PersistenceModule.forModule returned for this module. */
  persistence: DynamicModule;
  /** Events that the module announces, and commands that it sends. */
  publishes: readonly Sendable[];
  hears: readonly Subscription[];
  /** What it can announce again in full. */
  announcers?: readonly Announcer[];
}

/** The token under which MessagingModule keeps what it was told. */
const MODULE_MESSAGES = Symbol('MODULE_MESSAGES');

/**
 * What this Nest module sends and hears, read from its declaration: nothing is started for it, so that commands can work
 * on the messages of modules that do not run. Throws where the module imports no MessagingModule.
 */
export function moduleMessagesOf(nestModule: Type): Required<Omit<ModuleMessages, 'persistence'>> {
  const imports = (Reflect.getMetadata('imports', nestModule) ?? []) as (Type | DynamicModule)[];
  for (const imported of imports) {
    const providers = 'providers' in imported ? (imported.providers ?? []) : [];
    for (const provider of providers) {
      if ('provide' in provider && provider.provide === MODULE_MESSAGES && 'useValue' in provider) {
        return provider.useValue as Required<ModuleMessages>;
      }
    }
  }
  throw new Error(`${nestModule.name} imports no MessagingModule.forModule(…), so it sends and hears nothing.`);
}

@Module({
  providers: [
    {
      provide: Bus,
      inject: [{ token: HealthIndicators, optional: true }],
      useFactory: (indicators?: HealthIndicators) => {
        const bus = new Bus();
        indicators?.add('bus', () => busHealth(bus.edges()));
        return bus;
      },
    },
  ],
  exports: [Bus],
})
class BusModule {}

/** Makes a module a member of the bus; gives it its Outbox, and operators its ParkedMessages. */
@Module({})
export class MessagingModule {
  static forModule({ module, persistence, publishes, hears, announcers = [] }: ModuleMessages): DynamicModule {
    return {
      module: MessagingModule,
      imports: [BusModule, persistence],
      providers: [
        { provide: MODULE_MESSAGES, useValue: { module, publishes, hears, announcers } },
        {
          provide: ParkedMessages,
          inject: [Bus, Database],
          useFactory: (bus: Bus, database: Database) => new ParkedMessages(database, hears, () => bus.madeDue(module)),
        },
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
      exports: [Outbox, ParkedMessages, BusModule],
    };
  }
}
