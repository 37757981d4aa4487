import type { GatewaySettings } from '@banyan/config';
import { createLogger } from '@banyan/telemetry';
import { TopologyInvalid } from '@banyan/topology';
import { Registry } from 'prom-client';
import { house, isOwnPath } from './house';
import { lookAfter } from './look-after';
import { Measurements } from './measurements';
import { Proxy } from './proxy';
import { PublicServer } from './public-server';
import { Routing } from './routing';
import { watchFile } from './watch-file';

const LOOPBACK = '127.0.0.1';

export interface Gateway {
  readonly port: number;
  readonly adminPort: number;
  /** Answers what is under way, and stops. */
  stop(): Promise<void>;
}

/**
 * Starts a gateway: the topology is read, its instances are asked who they are, and then the port is opened, whoever of
 * them has answered. Throws TopologyInvalid where the file cannot be used, and Node's error where a port is taken.
 */
export async function startGateway(settings: GatewaySettings, metrics = new Registry()): Promise<Gateway> {
  const logger = createLogger(settings).child({ context: 'gateway' });
  const { topologyFile, upstream, http, admin } = settings;
  const routing = new Routing(upstream.connections, logger);
  const ends: (() => Promise<void> | void)[] = [() => routing.close()];
  const stop = async () => {
    for (const end of ends.splice(0).reverse()) await end();
  };
  try {
    const file = watched(topologyFile, (text) => void routing.take(text, topologyFile).catch(() => undefined));
    ends.push(file.stop);
    await routing.take(file.text, topologyFile);
    ends.push(lookAfter(() => routing.all(), upstream.healthIntervalMs));

    const app = await house(settings, routing, metrics);
    ends.push(() => app.close());
    await app.listen(admin.port, LOOPBACK);
    const fastify = app.getHttpAdapter().getInstance();

    const own = { has: isOwnPath, handle: fastify.routing.bind(fastify) };
    const measurements = new Measurements(metrics, () => routing.all());
    const proxy = new Proxy(() => routing.table, own, measurements, logger, http.trustedProxies);
    const server = new PublicServer(proxy, http);
    await server.listen(http.port, http.host);
    ends.push(() => server.drain());
    return { port: server.port, adminPort: portOf(await app.getUrl()), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function watched(file: string, written: (text: string) => void): ReturnType<typeof watchFile> {
  try {
    return watchFile(file, written);
  } catch (error) {
    throw new TopologyInvalid(file, [(error as Error).message]);
  }
}

const portOf = (url: string) => Number(new URL(url).port);
