import { SETTINGS, Settings } from '@banyan/config';
import { Catch, INestApplication } from '@nestjs/common';
import { BaseRpcExceptionFilter, NestMicroservice } from '@nestjs/microservices';
import { Observable, throwError } from 'rxjs';
import { Bus } from './bus';
import { BusServer } from './bus-server';

// Nest would turn every error of a handler into "Internal server error", and nobody could tell a permanent one.
@Catch()
class PassesErrorsOn extends BaseRpcExceptionFilter {
  override catch(error: unknown): Observable<never> {
    return throwError(() => error);
  }
}

/** Connects the app's modules to the bus that the settings name; `app.startAllMicroservices()` then starts it. */
export function connectBus(app: INestApplication): void {
  const settings = app.get<Settings>(SETTINGS);
  const strategy = new BusServer(app.get(Bus, { strict: false }), settings);
  const microservice = app.connectMicroservice({ strategy }, { deferInitialization: true }) as NestMicroservice;
  // It is registered late, for its filter; the modules' start-up hooks are the app's business all the same, and run once.
  microservice.setIsInitHookCalled(true);
  microservice.useGlobalFilters(new PassesErrorsOn());
}
