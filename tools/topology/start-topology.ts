import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { loadSettings } from '@banyan/config';
import { freePorts, projectFolder, startDevelopment, type AdminLogin, type Development } from '@banyan/development';
import { moduleMessagesOf } from '@banyan/messaging';
import { formatTopology, modulesOf, parseTopology, type Topology } from '@banyan/topology';
import { modules as shop } from '../../apps/monolith/src/modules';
import { AppDidNotStart, AppProcess } from './app-process';
import { findTopology } from './find-topology';
import { endLeftOver } from './left-over';
import { exportedEvents, placed, prefixApart, programOf, type Placement } from './placement';

/*
 * Terminology
 *   effective topology   the one that was asked for, with the addresses at which its apps really listen
 */

export interface TopologyOptions {
  /** Its name in deploy/topologies, the path of a file, or the topology itself. */
  topology: string | Topology;
  /** Where data, secrets and notes are kept; made if missing, reused if there. */
  folder: string;
  /** Of the gateway; 0 takes a free one. Default: 3000. */
  port?: number;
  /** What all apps have of their environment; what it leaves open is supplied. Default: nothing. */
  environment?: NodeJS.ProcessEnv;
  /** Hears each line that somebody prints, and what a person should know; `from` is an app, or `banyan`. Default: nobody. */
  tell?: (from: string, line: string) => void;
}

export interface RunningApp {
  readonly name: string;
  readonly modules: readonly string[];
  /** `127.0.0.1:PORT`, the same for all that is started under this name. */
  readonly address: string;
  /** Of the process at this moment; undefined while it is down. */
  readonly pid: number | undefined;
  /** Sends a signal, SIGKILL by default, which it waits for. What ends unasked is started again soon. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Ends it kindly and starts it again at its address; resolves once it serves. */
  restart(): Promise<void>;
}

/** What may differ from the topology for an app that is started beside those of the file. */
export type StartedAs = Partial<Omit<Placement, 'databases'>> & { environment?: NodeJS.ProcessEnv };

export interface RunningTopology {
  /** Of the public API, at the gateway. */
  readonly url: string;
  /** Of the gateway's operators. */
  readonly gatewayAdminUrl: string;
  readonly admin: AdminLogin;
  /** The databases by module, as the apps reach them. */
  readonly databaseUrls: ReadonlyMap<string, string>;
  /** What was started to serve the apps, for tests to break; absent where the environment named it. */
  readonly started: Development['started'];
  /** Host and port of each broker; empty where no transport needs one. */
  readonly kafkaBrokers: readonly string[];
  readonly providerUrl: string;
  /** What all apps have of their environment; commands beside the shop take it, too. */
  readonly environment: NodeJS.ProcessEnv;
  /** Where the effective topology is; the gateway watches it. */
  readonly topologyFile: string;
  /** The gateway, like an app. */
  readonly gateway: RunningApp;
  /** Those that run now. */
  readonly apps: readonly RunningApp[];
  /** The app with this name. Throws where none runs under it. */
  app(name: string): RunningApp;
  /** Starts an app of the topology that was stopped, or one more; resolves once it serves. Routes stay as they are. */
  startApp(name: string, as?: StartedAs): Promise<RunningApp>;
  /** Ends an app and leaves it so. Routes stay as they are. */
  stopApp(name: string): Promise<void>;
  /**
   * Makes this the effective topology, with the addresses of the apps that were ever started; the gateway takes it over at
   * once. Throws TopologyInvalid, and leaves everything as it was.
   */
  route(topology: Topology): void;
  /**
   * Drains the gateway, then ends the apps, then what served them, database last. Answers the names of those that did not end
   * by themselves, and well.
   */
  stop(): Promise<readonly string[]>;
}

const GATEWAY = 'gateway';
const RUNNER = 'banyan';
const LOOPBACK = '127.0.0.1';

const READY_MS = 30_000;

// All of it within ten seconds: whoever asked us to stop waits.
const GATEWAY_PATIENCE_MS = 3_000;
const APP_PATIENCE_MS = 5_000;

/**
 * Starts a shop that is placed as the topology says: what development supplies, an app each, and the gateway. Resolves once
 * the gateway is ready. Where anything does not start, what had been started is stopped again. What dies is started
 * again; what a killed runner left behind is ended first. Everything must have been built.
 * Throws UnknownTopology, TopologyInvalid, AppDidNotStart, SettingsError and what startDevelopment throws.
 */
export async function startTopology(options: TopologyOptions): Promise<RunningTopology> {
  const tell = options.tell ?? (() => undefined);
  const topology = typeof options.topology === 'string' ? findTopology(options.topology) : options.topology;
  const given: NodeJS.ProcessEnv = {
    NODE_ENV: 'development',
    ...options.environment,
    BANYAN_FOLDER: resolve(options.folder),
    EVENT_TRANSPORT: topology.transport,
  };
  const apart = topology.databases === 'apart';
  const development = await startDevelopment(given, (line) => tell(RUNNER, line), {
    databasesFor: apart ? modulesOf(topology) : [],
  });
  const environment: NodeJS.ProcessEnv = { ...given, ...development.env };
  let stop: () => Promise<unknown> = development.stop;
  try {
    const runner = new Runner(topology, environment, development, tell);
    stop = () => runner.stop();
    await runner.open(options.port ?? 3000);
    return runner;
  } catch (error) {
    await stop().catch(() => undefined);
    throw error;
  }
}

interface Hosted extends RunningApp {
  process: AppProcess;
}

class Runner implements RunningTopology {
  readonly topologyFile: string;
  readonly databaseUrls: ReadonlyMap<string, string>;
  readonly kafkaBrokers: readonly string[];
  readonly providerUrl: string;
  readonly admin: AdminLogin;
  url = '';
  gatewayAdminUrl = '';
  private readonly notes: string;
  private readonly hosted = new Map<string, Hosted>();
  private readonly ports = new Map<string, number>();
  private front: Hosted | undefined;

  constructor(
    private topology: Topology,
    readonly environment: NodeJS.ProcessEnv,
    private readonly development: Development,
    private readonly tell: (from: string, line: string) => void,
  ) {
    const folder = environment['BANYAN_FOLDER']!;
    this.topologyFile = join(folder, 'topology.yaml');
    this.notes = join(folder, 'apps');
    const { database, bus, payments, admin } = loadSettings(environment);
    this.databaseUrls = new Map(modulesOf(topology).map((module) => [module, database.urlFor(module)]));
    this.kafkaBrokers = bus.kafka.brokers;
    this.providerUrl = payments.providerUrl;
    this.admin = admin!;
  }

  get started(): Development['started'] {
    return this.development.started;
  }

  get gateway(): RunningApp {
    return this.front!;
  }

  get apps(): readonly RunningApp[] {
    return [...this.hosted.values()];
  }

  app(name: string): RunningApp {
    const app = this.hosted.get(name);
    if (!app) throw new Error(`No app runs as ${name}; there are ${[...this.hosted.keys()].join(', ')}.`);
    return app;
  }

  async open(port: number): Promise<void> {
    for (const name of await endLeftOver(this.notes)) {
      this.tell(RUNNER, `${name} of an earlier start was still there and was ended.`);
    }
    const begun = await Promise.allSettled(Object.keys(this.topology.apps).map((name) => this.startApp(name)));
    for (const each of begun) if (each.status === 'rejected') throw each.reason;
    this.route(this.topology);
    await this.openGateway(port || (await freePorts(1))[0]!);
    this.development.tellCommands(this.forCommands());
  }

  async startApp(name: string, as: StartedAs = {}): Promise<RunningApp> {
    if (this.hosted.has(name)) throw new Error(`${name} runs already.`);
    const modules = as.modules ?? this.topology.apps[name]?.modules;
    if (!modules) throw new Error(`The topology has no app ${name}: say which modules it shall host.`);
    const others = Object.entries(this.topology.apps).filter(([other]) => other !== name);
    const elsewhere = others.flatMap(([, app]) => app.modules);
    const placement: Placement = {
      modules,
      transport: as.transport ?? this.topology.transport,
      databases: this.topology.databases,
      exportedEvents: as.exportedEvents ?? exportedEvents(modules, elsewhere, shop.map(moduleMessagesOf)),
    };
    const file = join(projectFolder(), 'dist/apps', programOf(modules), 'src/main.js');
    const environment = {
      ...placed(placement, this.environment),
      HOST: LOOPBACK,
      TRUSTED_PROXIES: LOOPBACK,
      ...as.environment,
    };
    const app = this.process(name, modules, { file, environment, port: await this.portOf(name) });
    this.hosted.set(name, app);
    try {
      await app.process.start();
      return app;
    } catch (error) {
      this.hosted.delete(name);
      throw error;
    }
  }

  async stopApp(name: string): Promise<void> {
    this.app(name);
    const { process } = this.hosted.get(name)!;
    this.hosted.delete(name);
    await process.stop(APP_PATIENCE_MS);
  }

  route(topology: Topology): void {
    const apps = Object.entries(topology.apps).map(([name, app]) => {
      const port = this.ports.get(name);
      return [
        name,
        { ...app, instances: port ? [{ address: `${LOOPBACK}:${port}`, weight: 100, version: productVersion() }] : [] },
      ] as const;
    });
    const effective = { ...topology, apps: Object.fromEntries(apps) };
    // Read back, so that the gateway is never given what it would refuse.
    const text = formatTopology(effective);
    this.topology = parseTopology(text, 'The topology');
    writeWhole(this.topologyFile, text);
  }

  async stop(): Promise<readonly string[]> {
    const unwell: string[] = [];
    const end = async ({ name, process }: Hosted, patienceMs: number) => {
      if ((await process.stop(patienceMs)) !== 0) unwell.push(name);
    };
    if (this.front) await end(this.front, GATEWAY_PATIENCE_MS);
    const apps = [...this.hosted.values()];
    this.hosted.clear();
    await Promise.all(apps.map((app) => end(app, APP_PATIENCE_MS)));
    rmSync(this.topologyFile, { force: true });
    await this.development.stop();
    return unwell;
  }

  /** The same whenever an app of this name is started, so that who knows its address finds it again. */
  private async portOf(name: string): Promise<number> {
    const port = this.ports.get(name) ?? (await freePorts(1))[0]!;
    this.ports.set(name, port);
    return port;
  }

  private async openGateway(port: number): Promise<void> {
    const file = join(projectFolder(), 'dist/apps', GATEWAY, 'src/main.js');
    const [adminPort] = await freePorts(1);
    const environment = {
      ...{ ...this.environment, TOPOLOGY_FILE: this.topologyFile },
      GATEWAY_ADMIN_PORT: this.environment['GATEWAY_ADMIN_PORT'] || String(adminPort),
    };
    const url = `http://127.0.0.1:${port}`;
    this.front = this.process(GATEWAY, [], { file, environment, port });
    await this.front.process.start();
    await becomesReady(url);
    this.url = url;
    this.gatewayAdminUrl = `http://127.0.0.1:${environment.GATEWAY_ADMIN_PORT}`;
  }

  private process(
    name: string,
    modules: readonly string[],
    { file, environment, port }: { file: string; environment: NodeJS.ProcessEnv; port: number },
  ): Hosted {
    const process = new AppProcess({
      ...{ name, file, environment, port },
      arguments: ['--supplied'],
      notes: this.notes,
      printed: (line) => this.tell(name, line),
      tell: (line) => this.tell(RUNNER, `${name} ${line}`),
    });
    return {
      ...{ name, modules, process, address: `127.0.0.1:${port}` },
      get pid() {
        return process.pid;
      },
      kill: (signal) => process.kill(signal),
      restart: async () => {
        await process.stop(APP_PATIENCE_MS);
        await process.start();
      },
    };
  }

  /** What commands beside the shop cannot know otherwise. */
  private forCommands(): Record<string, string> {
    return {
      BASE_URL: this.url,
      EVENT_TRANSPORT: this.topology.transport,
      ...(this.kafkaBrokers.length > 0 && { KAFKA_BROKERS: this.kafkaBrokers.join(',') }),
      ...(this.topology.databases === 'apart' && { KAFKA_PREFIX: prefixApart(this.environment) }),
    };
  }
}

/** Resolves once the gateway has reached every module. Throws AppDidNotStart where it does not. */
async function becomesReady(url: string): Promise<void> {
  for (const giveUpAt = Date.now() + READY_MS; Date.now() < giveUpAt; await wait(50)) {
    const { ok } = await fetch(`${url}/health/ready`).catch(() => ({ ok: false }));
    if (ok) return;
  }
  throw new AppDidNotStart(GATEWAY, `it did not reach every module within ${READY_MS / 1_000} s`);
}

/** The file is the old one or the new one for whoever reads it, never a part. */
function writeWhole(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, text);
  renameSync(draft, file);
}

const productVersion = () =>
  (JSON.parse(readFileSync(join(projectFolder(), 'package.json'), 'utf8')) as { version: string }).version;
