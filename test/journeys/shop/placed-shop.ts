import { appendFileSync } from 'node:fs';
import { freePorts } from '../../../libs/development/src';
import { startTopology, type RunningTopology } from '../../../tools/topology/start-topology';
import { until } from './eventually';
import type { PaymentProvider } from './payment-provider';
import { START_MS } from './own-processes';
import { KAFKA_OF_THE_RUN } from './placements';
import type { Premises } from './premises';
import type { Differently, RunningShop } from './shop';

export interface Placement {
  /** As deploy/topologies calls it. */
  topology: string;
  /** Whether a Kafka of its own carries its messages, to be killed. Default: that of the run does. */
  ownBroker?: boolean;
}

/** A shop placed as a topology says, asked through its gateway. */
export class PlacedShop implements RunningShop {
  readonly logFile: string;
  databaseUrls: readonly string[] = [];
  environment: NodeJS.ProcessEnv = {};
  private running: RunningTopology | undefined;
  private port = 0;
  /** Apps that were killed, to be started again. */
  private lost = new Set<string>();
  private readonly others: PlacedShop[] = [];

  private constructor(
    private readonly premises: Premises,
    private readonly folder: string,
    private placement: Placement,
    private differently: Differently,
  ) {
    this.logFile = premises.logFile;
  }

  static async open(premises: Premises, placement: Placement, differently: Differently): Promise<PlacedShop> {
    const shop = new PlacedShop(premises, premises.folder, placement, differently);
    await shop.start();
    return shop;
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get admin() {
    return this.premises.admin;
  }

  get provider(): PaymentProvider {
    return this.premises.provider;
  }

  get providerUrl(): string {
    return this.provider.url;
  }

  get broker() {
    return this.topology.started.kafka?.nodes[0] ?? null;
  }

  async openAnother(): Promise<PlacedShop> {
    const { premises, placement, differently } = this;
    const another = new PlacedShop(premises, premises.folderBeside(), placement, differently);
    this.others.push(another);
    await another.start();
    return another;
  }

  async start(differently = this.differently): Promise<void> {
    this.differently = differently;
    if (this.lost.size > 0) return this.finds();
    // The same whenever it is started, so that who knows its address finds it again.
    this.port ||= (await freePorts(1))[0]!;
    const KAFKA_BROKERS = process.env[KAFKA_OF_THE_RUN];
    this.running = await startTopology({
      topology: this.placement.topology,
      folder: this.folder,
      port: this.port,
      environment: {
        ...this.premises.environment,
        KAFKA_PREFIX: this.premises.name,
        ...(KAFKA_BROKERS && !this.placement.ownBroker && { KAFKA_BROKERS }),
        ...this.differently,
      },
      tell: (_from, line) => appendFileSync(this.logFile, `${line}\n`),
    });
    // Known to who looks into them while the shop is closed, too.
    this.databaseUrls = [...new Set(this.running.databaseUrls.values())];
    this.environment = { ...this.running.environment, PORT: String(this.port) };
  }

  async kill(): Promise<void> {
    if (!this.running) return;
    await this.lose(this.topology.apps.map(({ name }) => name));
  }

  pause(): void {
    for (const app of this.topology.apps) void app.kill('SIGSTOP');
  }

  resume(): void {
    for (const app of this.topology.apps) void app.kill('SIGCONT');
  }

  async stop(): Promise<number | null> {
    return (await this.end()).length === 0 ? 0 : null;
  }

  async loses(modules: readonly string[]): Promise<readonly string[]> {
    const hosts = this.topology.apps.filter((app) => app.modules.some((module) => modules.includes(module)));
    await this.lose(hosts.map(({ name }) => name));
    return this.topology.apps.flatMap(({ modules }) => modules);
  }

  async finds(): Promise<void> {
    await Promise.all([...this.lost].map((name) => this.topology.startApp(name)));
    this.lost.clear();
    await until('the gateway has found every module again', () => this.isReady(), START_MS);
  }

  async becomes(topology: string): Promise<void> {
    await this.stop();
    this.placement = { ...this.placement, topology };
    await this.start();
  }

  async close(): Promise<void> {
    for (const other of this.others.splice(0)) await other.close();
    await this.end();
  }

  /** Answers who did not end by itself. */
  private async end(): Promise<readonly string[]> {
    const { running } = this;
    this.running = undefined;
    this.lost.clear();
    return running ? running.stop() : [];
  }

  private get topology(): RunningTopology {
    if (!this.running) throw new Error('The shop is closed.');
    return this.running;
  }

  private async lose(names: readonly string[]): Promise<void> {
    await Promise.all(
      names.map(async (name) => {
        await this.topology.app(name).kill();
        // Else its runner would start it again at once.
        await this.topology.stopApp(name);
        this.lost.add(name);
      }),
    );
  }

  /** Whether the gateway reaches every module now; once it has, it stays ready itself. */
  private async isReady(): Promise<boolean> {
    const answer = await fetch(`${this.baseUrl}/health/ready`);
    const { details } = (await answer.json()) as { details?: Record<string, { status: string }> };
    return details !== undefined && Object.values(details).every(({ status }) => status === 'up');
  }
}
