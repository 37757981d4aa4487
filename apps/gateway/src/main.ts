import { endOnRequest, explain } from '@banyan/lifetime';
import 'reflect-metadata';
import { loadGatewaySettings } from '@banyan/config';
import { metrics } from '@banyan/telemetry';
import { startGateway } from './gateway';

/**
 * Starts the gateway; answers how to stop it. Whoever has started it over a channel is told where it listens; the argument
 * --supplied says that its runner greets the developer in its place.
 */
async function start(environment: NodeJS.ProcessEnv): Promise<() => Promise<void>> {
  const settings = loadGatewaySettings(environment);
  const gateway = await startGateway(settings, metrics);
  const [url, admin] = [gateway.port, gateway.adminPort].map((port) => `http://127.0.0.1:${port}`);
  process.send?.({ listening: url, admin });
  if (settings.environment !== 'production' && !process.argv.includes('--supplied')) {
    const lines = [
      `The gateway is open: ${url}/api/v1`,
      `  Documentation   ${url}/docs`,
      `  Health          ${url}/health/ready`,
      `  Routes          ${admin}/routes`,
      `  Stop            Ctrl-C`,
    ];
    process.stdout.write(`${lines.join('\n')}\n`);
  }
  return () => gateway.stop();
}

const starting = start(process.env);
endOnRequest(starting);
starting.catch((error: unknown) => {
  process.stderr.write(`${explain(error)}\n`);
  process.exit(1);
});
