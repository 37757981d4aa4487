import 'reflect-metadata';
import { loadSettings, SettingsError, type Settings } from '@banyan/config';
import { armFailpoints } from '@banyan/failpoints';
import { createHttpApp } from '@banyan/http';
import { endOnRequest, explain, productVersion } from '@banyan/lifetime';
import { connectBus } from '@banyan/messaging';
import { DatabaseNotPrepared, moduleDataOf, notPrepared } from '@banyan/persistence';
import type { INestApplication, Type } from '@nestjs/common';
import { welcomeToApp, welcomeToShop } from './welcome';

/** An app, as its main tells of it. */
export interface HostedApp {
  /** What logs, gateways and topologies call it. */
  name: string;
  /** The modules that it has; MODULES makes it host some of them only. */
  modules: readonly Type[];
  /** Whether there are modules that it does not have; they run elsewhere then. Default: it has them all. */
  isPart?: boolean;
  environment: NodeJS.ProcessEnv;
  /** Where it listens unless PORT says otherwise; 3000 by default. */
  port?: number;
  /** Supplies what a developer's environment leaves open; not asked outside of development. */
  development?: (environment: NodeJS.ProcessEnv) => Promise<Supplied>;
}

/** What was started for the app before it could start itself. */
export interface Supplied {
  env: Record<string, string>;
  /** Lets commands beside the app know what it has come to know itself. */
  tellCommands?(env: Record<string, string>): void;
  stop(): Promise<void>;
}

/**
 * Hosts modules in this process until SIGINT or SIGTERM, which drain it and end it with exit code 0 within ten seconds.
 * Where anything is wrong it does not start: one line on standard error says what, and the exit code is 1. Started by
 * another program over a channel, it tells that one `{ listening: URL }`, and drains when that one is gone. The argument
 * --supplied says that its runner has supplied everything, and greets the developer in its place.
 */
export function runApp(app: HostedApp): void {
  const environment = { ...app.environment, PORT: app.environment['PORT'] || String(app.port ?? 3000) };
  const starting = start({ ...app, environment });
  endOnRequest(starting);
  starting.catch((error: unknown) => {
    process.stderr.write(`${explain(error)}\n`);
    process.exit(1);
  });
}

/** Starts the app; answers how to stop it. Where starting fails, what had been started is stopped again. */
async function start({ name, modules, isPart, environment, development }: HostedApp): Promise<() => Promise<void>> {
  const isAlone = !process.argv.includes('--supplied');
  const inDevelopment = (environment['NODE_ENV'] || 'development') === 'development';
  const supplied = isAlone && inDevelopment ? await development?.(environment) : undefined;
  let settings: Settings | undefined;
  let app: INestApplication | undefined;
  const stop = async () => {
    await app?.close();
    await supplied?.stop();
  };
  try {
    settings = loadSettings({ ...environment, ...supplied?.env }, { modules: modules.map(nameOf) });
    const hosted = modulesToHost(modules, settings);
    const isWhole = !isPart && hosted.length === modules.length;
    if (!isWhole) refuseWithoutBroker(hosted.map(nameOf), settings);
    armFailpoints(settings);
    app = await createHttpApp(settings, hosted, { app: { name, version: productVersion() } });
    connectBus(app);
    await app.init();
    await app.startAllMicroservices();
    await app.listen(settings.http.port, settings.http.host);
    const url = await app.getUrl();
    supplied?.tellCommands?.({ BASE_URL: url.replace(/\[::\d?\]|0\.0\.0\.0/, '127.0.0.1') });
    process.send?.({ listening: url });
    if (settings.environment !== 'production' && isAlone) {
      process.stdout.write(isWhole ? welcomeToShop(url, settings) : welcomeToApp(name, url, hosted.map(nameOf)));
    }
    return stop;
  } catch (error) {
    const unprepared = error instanceof DatabaseNotPrepared && settings ? databasesOf(modules, settings) : [];
    const reason = unprepared.length > 0 ? await notPrepared(unprepared) : error;
    await stop().catch(() => undefined);
    throw reason;
  }
}

const nameOf = (nestModule: Type) => moduleDataOf(nestModule).module;

const modulesToHost = (modules: readonly Type[], settings: Settings) =>
  modules.filter((nestModule) => settings.modules?.includes(nameOf(nestModule)) ?? true);

const databasesOf = (modules: readonly Type[], settings: Settings) =>
  modulesToHost(modules, settings)
    .map(nameOf)
    .map((module) => ({ module, url: settings.database.urlFor(module) }));

/** Nothing else would tell of a module that others only listen to that nobody can hear it. */
function refuseWithoutBroker(modules: readonly string[], { bus }: Settings): void {
  if (bus.transport !== 'in-process') return;
  throw new SettingsError(
    `EVENT_TRANSPORT=in-process reaches nobody outside this app, and ${modules.join(', ')} alone ${modules.length === 1 ? 'is' : 'are'} not the whole shop; ` +
      'set EVENT_TRANSPORT=kafka and KAFKA_BROKERS, or start the monolith with all modules',
  );
}
