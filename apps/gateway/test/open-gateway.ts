import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request as send, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { loadGatewaySettings } from '@banyan/config';
import { formatTopology, type Topology } from '@banyan/topology';
import { startGateway, type Gateway } from '../src/gateway';
import type { FakeApp } from './fake-app';

export interface Answered {
  status: number;
  headers: IncomingMessage['headers'];
  text: string;
  /** The body as JSON. */
  json: never;
}

interface Asking {
  headers?: Record<string, string | string[]>;
  body?: string | Buffer;
  agent?: Agent;
}

const everything: { end(): Promise<void> | void }[] = [];

/** Ends every gateway that is still open; for `afterEach`. */
export async function closeGateways(): Promise<void> {
  for (const one of everything.splice(0)) await one.end();
}

/** A topology with these apps, each hosting what it says it hosts. */
export function topologyOf(apps: readonly FakeApp[], routes: Record<string, object> = {}): Topology {
  const entries = apps.map((app): [string, object] => [
    app.name,
    { modules: Object.keys(app.modules), instances: [{ address: app.address }] },
  ]);
  return {
    description: 'A test.',
    transport: apps.length > 1 ? 'kafka' : 'in-process',
    apps: Object.fromEntries(entries),
    routes,
  } as unknown as Topology;
}

/** A gateway in this process, on free ports, with a topology file of its own. */
export async function openGateway(topology: Topology, variables: Record<string, string> = {}): Promise<OpenGateway> {
  const folder = mkdtempSync(join(tmpdir(), 'banyan-gateway-'));
  const file = join(folder, 'topology.yaml');
  writeFileSync(file, formatTopology(topology));
  const settings = loadGatewaySettings({
    TOPOLOGY_FILE: file,
    HOST: '127.0.0.1',
    PORT: '0',
    GATEWAY_ADMIN_PORT: '0',
    NODE_ENV: 'test',
    LOG_LEVEL: 'silent',
    ...variables,
  });
  const gateway = await startGateway(settings);
  const open = new OpenGateway(gateway, file);
  everything.push({
    end: async () => {
      await open.stop();
      rmSync(folder, { recursive: true });
    },
  });
  return open;
}

export class OpenGateway {
  private stopping: Promise<void> | undefined;

  constructor(
    private readonly gateway: Gateway,
    readonly file: string,
  ) {}

  get port(): number {
    return this.gateway.port;
  }

  stop(): Promise<void> {
    return (this.stopping ??= this.gateway.stop());
  }

  ask(method: string, path: string, asking: Asking = {}): Promise<Answered> {
    return ask(this.gateway.port, method, path, asking);
  }

  /** Asks as an operator does. */
  async operate(method: string, path: string, body?: object | string, host = '127.0.0.1'): Promise<Answered> {
    const text = typeof body === 'object' ? JSON.stringify(body) : body;
    const type = typeof body === 'object' ? 'application/json' : 'application/yaml';
    const asking = text === undefined ? { headers: { host } } : { body: text, headers: { host, 'content-type': type } };
    return ask(this.gateway.adminPort, method, path, asking);
  }
}

async function ask(
  port: number,
  method: string,
  path: string,
  { headers = {}, body, agent }: Asking,
): Promise<Answered> {
  const asking = send({ host: '127.0.0.1', port, method, path, headers, agent: agent ?? false });
  asking.end(body);
  const [answer] = (await once(asking, 'response')) as [IncomingMessage];
  const text = Buffer.concat((await answer.toArray()) as Buffer[]).toString();
  return {
    status: answer.statusCode ?? 0,
    headers: answer.headers,
    text,
    get json() {
      return JSON.parse(text) as never;
    },
  };
}

/** Waits for a condition; whoever waits for ever is ended by the test's own limit. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await pause(5);
}
