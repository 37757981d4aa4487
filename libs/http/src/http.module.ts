import { Module, type DynamicModule, type OnModuleInit } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import type { Settings } from '@banyan/config';
import { Database } from '@banyan/persistence';
import { HealthIndicators } from '@banyan/telemetry';
import { Erasures, VerificationKeys } from './access';
import { AccessMemory } from './access-memory';
import { AccessTokens } from './access-tokens';
import { Draining } from './draining';
import { Forgets } from './forgets';
import { HealthController } from './health.controller';
import { Idempotency } from './idempotency';
import { HOSTING_APP, HostedModulesController, type HostingApp } from './hosted-modules.controller';
import { MetricsController } from './metrics.controller';
import { rateLimit } from './rate-limit';
import { Routes } from './routes';
import { ServedPaths } from './served-paths';

class TellsOfDatabase implements OnModuleInit {
  constructor(
    private readonly indicators: HealthIndicators,
    private readonly database: Database,
  ) {}

  onModuleInit(): void {
    this.indicators.add(`database:${this.database.module}`, async () => {
      await this.database.query('select 1');
      return { status: 'up' };
    });
  }
}

/** What HTTP needs of a module and of an app. */
@Module({})
export class HttpModule {
  /**
   * For a module with routes: access tokens checked with its own keys, idempotency keys in its own schema, its database
   * among the health indicators. `persistence` is the module's own PersistenceModule, the same object everywhere; its
   * migrations include `idempotencyMigrations` and `accessMigrations`. `serves` are the prefixes of its paths, by which
   * requests find it wherever it runs; unset: `/api/v1/{module}`. Those of its operators, `/api/v1/ops/{module}`, are
   * among them always. A route that lies elsewhere keeps the app from starting.
   */
  static forModule({ persistence, serves }: { persistence: DynamicModule; serves?: readonly string[] }): DynamicModule {
    return {
      module: HttpModule,
      imports: [persistence],
      providers: [
        AccessMemory,
        AccessTokens,
        VerificationKeys,
        Erasures,
        Idempotency,
        Forgets,
        {
          provide: ServedPaths,
          inject: [Database],
          useFactory: ({ module }: Database) => new ServedPaths(module, serves),
        },
        {
          provide: TellsOfDatabase,
          inject: [HealthIndicators, Database],
          useFactory: (indicators: HealthIndicators, database: Database) => new TellsOfDatabase(indicators, database),
        },
      ],
      exports: [AccessTokens, VerificationKeys, Erasures, Idempotency],
    };
  }

  /** Once per app; `createHttpApp` sees to it. */
  static forApp(settings: Settings, app: HostingApp): DynamicModule {
    const { imports, providers } = rateLimit(settings);
    return {
      module: HttpModule,
      imports: [TerminusModule.forRoot({ logger: false }), ...imports],
      controllers: [HealthController, MetricsController, HostedModulesController],
      providers: [Routes, Draining, { provide: HOSTING_APP, useValue: app }, ...providers],
      exports: [Routes, Draining],
    };
  }
}
