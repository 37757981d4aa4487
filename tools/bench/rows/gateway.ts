import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseTopology, formatTopology } from '@banyan/topology';
import { request } from 'undici';
import type { Bench } from '../bench';
import { comparison, perSecond } from '../figure';
import { freePort } from '../house';
import type { PageLoad, PagesLoaded } from '../load/page-load';
import { firstProcessorOnly, onProcessor } from '../load/pinned';
import type { Program } from '../program';
import { Nginx } from '../reference/nginx';
import type { Figure, Row } from '../row';
import { costOf, cpuOf, type Rounds } from '../rounds';
import { median } from '../statistics';

const CONNECTIONS = 32;

/**
 * A page of the catalogue through the gateway, from 32 connections and from one, against others that do the same. Clients
 * and the app share the first processor, which leaves the second to whoever is between them.
 */
export const gateway: Row = {
  name: 'gateway',
  job: 'a page through the gateway, throughput and added latency',
  async measure(bench: Bench) {
    const { house, plan } = bench;
    const app = house.start('reference/constant-app', { env: {}, before: firstProcessorOnly() });
    const load = house.start('load/page-load', { env: {}, before: firstProcessorOnly() });
    const upstream = await app.ask<number>('port');
    const ours = await startGateway(bench, upstream);
    const fastify = house.start('reference/fastify-http-proxy', {
      env: { UPSTREAM: `http://127.0.0.1:${upstream}`, NODE_ENV: 'production' },
      before: onProcessor(1),
    });
    const installed = Nginx.find();
    const nginx = installed
      ? await Nginx.start(installed, {
          folder: join(house.folder, 'nginx'),
          port: await freePort(),
          upstream,
          before: onProcessor(1),
        })
      : undefined;
    try {
      const through = async (port: number, pid: number, connections: number) => {
        const ask = (seconds: number) =>
          load.ask<PagesLoaded>('load', { port, connections, seconds } satisfies PageLoad);
        await ask(plan.warmUpSeconds);
        const { result, cpu } = await costOf([pid], () => ask(plan.loadSeconds));
        return { result, cpu: cpu / (result.perSecond * plan.loadSeconds) };
      };
      const crowd = async (port: number, pid: number) => {
        const { result, cpu } = await through(port, pid, CONNECTIONS);
        return { value: result.perSecond, cpu };
      };
      const fastifyPort = await fastify.ask<number>('port');
      const rounds = await bench.rounds(this.name, {
        ours: () => crowd(ours.port, ours.program.pid),
        fastify: () => crowd(fastifyPort, fastify.pid),
        ...(nginx ? { nginx: () => crowd(nginx.port, nginx.pid) } : {}),
      } as Record<'ours' | 'fastify' | 'nginx', () => ReturnType<typeof crowd>>);
      const alone = await bench.rounds(`${this.name}, one client`, {
        ours: async () => ({ value: (await through(ours.port, ours.program.pid, 1)).result.p50 }),
        direct: async () => ({ value: (await through(upstream, app.pid, 1)).result.p50 }),
      });
      const name = 'a page through the gateway, 32 connections';
      return [
        ...(nginx
          ? [
              comparison(`${name}, against nginx`, rounds, ['ours', 'nginx'], perSecond, {
                is: 'least',
                must: 0.3,
                aim: 0.5,
              }),
            ]
          : []),
        comparison(`${name}, against @fastify/http-proxy`, rounds, ['ours', 'fastify'], perSecond, {
          is: 'least',
          must: 1.3,
          aim: 1.9,
        }),
        added(alone),
      ];
    } finally {
      await Promise.all([ours.program, fastify, app, load, ...(nginx ? [nginx] : [])].map((one) => one.stop()));
    }
  },
};

async function startGateway(bench: Bench, upstream: number): Promise<{ program: Program; port: number }> {
  const { house } = bench;
  const file = join(house.folder, 'gateway-topology.yaml');
  const apps = `{ monolith: { modules: [inventory], instances: [{ address: '127.0.0.1:${upstream}' }] } }`;
  const topology = parseTopology(`{ description: The bench., transport: in-process, apps: ${apps} }`, 'the bench');
  writeFileSync(file, formatTopology(topology));
  const port = await freePort();
  const program = house.startApp('apps/gateway/src/main.js', {
    env: {
      NODE_ENV: 'production',
      HOST: '127.0.0.1',
      PORT: String(port),
      GATEWAY_ADMIN_PORT: '0',
      LOG_LEVEL: 'warn',
      TOPOLOGY_FILE: file,
    },
    before: onProcessor(1),
    execArgv: bench.profileOf('gateway'),
  });
  await program.until(async () => {
    try {
      const { statusCode, body } = await request(`http://127.0.0.1:${port}/health/ready`);
      await body.dump();
      return statusCode === 200;
    } catch {
      return false;
    }
  });
  return { program, port };
}

/** What one client, alone, waits longer than without the gateway. */
function added(rounds: Rounds<'ours' | 'direct'>): Figure {
  const each = rounds.good.map(({ ours, direct }) => (ours.value - direct.value) / 1_000);
  const say = (side: 'ours' | 'direct') => `${Math.round(median(rounds.good.map((round) => round[side].value)))} µs`;
  return {
    what: 'what the gateway adds to an answer, one client, median',
    value: median(each),
    unit: 'ms',
    limit: { is: 'most', must: 0.15, aim: 0.07 },
    ours: say('ours'),
    reference: say('direct'),
    cpu: { ours: cpuOf(rounds, 'ours'), reference: undefined },
    each,
    discarded: rounds.discarded,
    disturbed: rounds.disturbed,
  };
}
