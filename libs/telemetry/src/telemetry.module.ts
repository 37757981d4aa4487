import { Module, type DynamicModule } from '@nestjs/common';
import type { Settings } from '@banyan/config';
import { LoggerModule } from 'nestjs-pino';
import { HealthIndicators } from './health-indicators';
import { createLogger } from './logging';
import { NestLogger } from './nest-logger';

/** Gives the process its logger (nestjs-pino) and the list of its health indicators. */
@Module({})
export class TelemetryModule {
  static forRoot(settings: Pick<Settings, 'log'>): DynamicModule {
    return {
      module: TelemetryModule,
      global: true,
      // No routes: the HTTP library writes one line per request itself, without bodies, headers or query strings.
      imports: [LoggerModule.forRoot({ pinoHttp: { logger: createLogger(settings) }, forRoutes: [] })],
      providers: [HealthIndicators, NestLogger],
      exports: [HealthIndicators, NestLogger],
    };
  }
}
