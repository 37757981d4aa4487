import './compile-cache';
import 'reflect-metadata';
import { loadSettings, type Settings } from '@banyan/config';
import { startDevelopment } from '@banyan/development';
import { armFailpoints } from '@banyan/failpoints';
import { createHttpApp } from '@banyan/http';
import { connectBus } from '@banyan/messaging';
import { DatabaseNotPrepared, moduleDataOf, notPrepared } from '@banyan/persistence';
import type { INestApplication } from '@nestjs/common';
import { modules } from './modules';

// Draining is given up after this, so that whoever asked us to stop is not kept waiting for ten seconds.
const DRAIN_MS = 8_000;

type Stop = () => Promise<void>;

/** Starts the shop; answers how to stop it. Where starting fails, what had been started is stopped again. */
async function start(environment: NodeJS.ProcessEnv): Promise<Stop> {
  const supplied = await supply(environment);
  let settings: Settings | undefined;
  let app: INestApplication | undefined;
  const stop = async () => {
    await app?.close();
    await supplied.stop();
  };
  try {
    settings = loadSettings({ ...environment, ...supplied.env });
    armFailpoints(settings);
    app = await createHttpApp(settings, modules);
    connectBus(app);
    await app.init();
    await app.startAllMicroservices();
    await app.listen(settings.http.port, settings.http.host);
    if (settings.environment !== 'production') welcome(await app.getUrl(), settings);
    return stop;
  } catch (error) {
    const reason = error instanceof DatabaseNotPrepared && settings ? await notPrepared(databasesOf(settings)) : error;
    await stop().catch(() => undefined);
    throw reason;
  }
}

function databasesOf({ database }: Settings): { module: string; url: string }[] {
  return modules.map(moduleDataOf).map(({ module }) => ({ module, url: database.urlFor(module) }));
}

/** In development, what the environment leaves open is started here: a database, the payment provider, secrets. */
async function supply(environment: NodeJS.ProcessEnv): Promise<{ env: Record<string, string>; stop: Stop }> {
  if ((environment['NODE_ENV'] ?? 'development') !== 'development') return { env: {}, stop: async () => undefined };
  return startDevelopment(environment);
}

/** Drains and ends on SIGINT and SIGTERM, also while still starting. The terminal and npm both send one: that counts once. */
function stopOnSignal(starting: Promise<Stop>): void {
  let stopping = false;
  const stop = async () => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => {
      process.stderr.write('Not everything could be finished in time; stopping all the same.\n');
      process.exit(1);
    }, DRAIN_MS);
    try {
      await (
        await starting
      )();
      process.exit(0);
    } catch (error) {
      process.stderr.write(`Stopping failed: ${(error as Error).message}\n`);
      process.exit(1);
    }
  };
  process.on('SIGINT', () => void stop());
  process.on('SIGTERM', () => void stop());
}

function welcome(url: string, { admin }: Settings): void {
  const lines = [
    `The shop is open: ${url}/api/v1`,
    `  Documentation   ${url}/docs`,
    `  Health          ${url}/health/ready`,
    ...(admin ? [`  Admin           ${admin.email}  ${admin.password}`] : []),
    `  Try             npm run demo    (in another terminal: twenty orders of every kind)`,
    `  Stop            Ctrl-C`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

/** One line that names the cause and the cure, where we know them. */
function explain(error: unknown, environment: NodeJS.ProcessEnv): string {
  if (!(error instanceof Error)) return String(error);
  if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') {
    const port = environment['PORT'] ?? '3000';
    return `Port ${port} is taken. Stop what listens there, or choose another: PORT=3001 npm start`;
  }
  const known = typeof (error as { code?: unknown }).code === 'string' || error.name === 'SettingsError';
  return known ? error.message : (error.stack ?? error.message);
}

const starting = start(process.env);
stopOnSignal(starting);
starting.catch((error: unknown) => {
  process.stderr.write(`${explain(error, process.env)}\n`);
  process.exit(1);
});
