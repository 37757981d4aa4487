import 'reflect-metadata';
import { loadGatewaySettings } from '@banyan/config';
import { metrics } from '@banyan/telemetry';
import { startGateway } from './gateway';

// Draining is given up after this, so that whoever asked us to stop is not kept waiting for ten seconds.
const DRAIN_MS = 8_000;

type Stop = () => Promise<void>;

async function start(environment: NodeJS.ProcessEnv): Promise<Stop> {
  const settings = loadGatewaySettings(environment);
  const gateway = await startGateway(settings, metrics);
  process.send?.({ listening: `http://127.0.0.1:${gateway.port}`, admin: `http://127.0.0.1:${gateway.adminPort}` });
  if (settings.environment !== 'production' && !process.argv.includes('--supplied')) {
    const lines = [
      `The gateway is open: http://127.0.0.1:${gateway.port}/api/v1`,
      `  Health          http://127.0.0.1:${gateway.port}/health/ready`,
      `  Routes          http://127.0.0.1:${gateway.adminPort}/routes`,
    ];
    process.stdout.write(`${lines.join('\n')}\n`);
  }
  return () => gateway.stop();
}

/**
 * Drains and ends on SIGINT and SIGTERM, also while still starting, and when the program that has started it over a channel
 * is gone. The terminal and npm may both send a signal: that counts once.
 */
function stopOnSignal(starting: Promise<Stop>): void {
  let stopping = false;
  const stop = async () => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => {
      process.stderr.write('Not every request could be finished in time; stopping all the same.\n');
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
  for (const request of ['SIGINT', 'SIGTERM', 'disconnect']) process.on(request, () => void stop());
}

/** One line that names the cause and the cure, where we know them. */
function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code, port } = error as NodeJS.ErrnoException & { port?: number };
  if (code === 'EADDRINUSE') return `Port ${port} is taken; choose another with PORT or GATEWAY_ADMIN_PORT.`;
  const known = typeof code === 'string' || error.name === 'SettingsError';
  return known ? error.message : (error.stack ?? error.message);
}

const starting = start(process.env);
stopOnSignal(starting);
starting.catch((error: unknown) => {
  process.stderr.write(`${explain(error)}\n`);
  process.exit(1);
});
