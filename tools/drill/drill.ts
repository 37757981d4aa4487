import { appendFileSync, chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { startKafka, type KafkaCluster } from '@banyan/development';
import { moduleMessagesOf } from '@banyan/messaging';
import { Client } from 'pg';
import { modules } from '../../apps/monolith/src/modules';
import { audit } from '../audit/audit';
import { seededChance } from '../replay/generate/seeded-chance';
import { Shop } from '../shop-client/shop';
import { startTopology, type RunningTopology } from '../topology/start-topology';
import { Crowd } from './crowd';
import { judge, longestToConfirm } from './judge';
import { Kills, planKills, type Kill } from './kills';
import { Ledger } from './ledger';
import { move, SHARES } from './move';
import type { Way } from './report';
import { apart, together, type Side } from './sides';

const messages = modules.map((module) => moduleMessagesOf(module));

/** The modules that can move: all that there are. */
export const movable: readonly string[] = messages.map(({ module }) => module);

export const DIRECTIONS = ['out', 'back'] as const;
type Direction = (typeof DIRECTIONS)[number];

export interface DrillOptions {
  module: string;
  /** Of the customers' choices and of the kills; each way has its own, made of it. */
  seed: number;
  withKills: boolean;
  /** How long each share of the requests stays. */
  dwellMs: number;
  environment: NodeJS.ProcessEnv;
  tell(line: string): void;
}

const REST_MS = 90_000;
// A client that waits for longer would have gone away; what is killed is back within seconds.
const CLIENT_PATIENCE_MS = 60_000;
// Guesses, by which a kill falls into the stage that it is planned for.
const START_MS = 4_000;
const LEAVE_MS = 400;

/** A shop of the drill's own, in one process at first, all of it gone once it is closed. */
export class Drill {
  private readonly folder = mkdtempSync(join(tmpdir(), 'banyan-drill-'));
  private kafka: KafkaCluster | undefined;
  private shop: RunningTopology | undefined;
  private database: Client | undefined;
  private closing: Promise<void> | undefined;
  private goesOn = 'before the move';

  private constructor(private readonly options: DrillOptions) {}

  /** Throws what startKafka and startTopology throw. */
  static async open(options: DrillOptions): Promise<Drill> {
    const drill = new Drill(options);
    try {
      await drill.begin();
      return drill;
    } catch (error) {
      await drill.close();
      throw error;
    }
  }

  /**
   * The module leaves the monolith, or comes back, while people are in the shop; then all is judged, at rest: on the way
   * back the log would make good what Kafka had lost.
   */
  async move(direction: Direction, number: number): Promise<Way> {
    const { module, seed, tell } = this.options;
    const { database, shop } = this.running;
    const beganAt = performance.now();
    const chance = seededChance(seed + 2 * number + DIRECTIONS.indexOf(direction));
    const ledger = new Ledger(() => this.goesOn);
    const client = new Shop(shop.url, { patienceMs: CLIENT_PATIENCE_MS });
    const crowd = new Crowd(client, shop.admin, ledger, chance);
    const [inside, outside] = [together(movable), apart(module, movable)];
    try {
      await crowd.enter();
      const kills = await (direction === 'out'
        ? this.amidKills(direction, inside, outside, chance)
        : this.amidKills(direction, outside, inside, chance));
      await crowd.leave();
      tell('everybody has left; judging');
      const violations: string[] = [];
      const { unrest } = await audit({
        databases: shop.databaseUrls,
        providerUrl: shop.providerUrl,
        patienceMs: REST_MS,
        onProgress: () => undefined,
        onViolation: ({ invariant, subject, what }) => violations.push(`${invariant}  ${subject}: ${what}`),
      });
      const findings = await judge(database, ledger);
      return {
        ...findings,
        name: `${number} ${direction}`,
        lost: [...findings.lost, ...unrest.map((what) => `not at rest: ${what}`)],
        orders: ledger.orders.size,
        acknowledged: ledger.acknowledged,
        kills,
        failed: ledger.failed,
        violations,
        longestWait: ledger.longest,
        longestToConfirmMs: await longestToConfirm(database, ledger),
        tookMs: performance.now() - beganAt,
      };
    } finally {
      await crowd.leave();
      await client.close();
    }
  }

  /** Copies all that the apps have said to where it outlives them. */
  keepLog(file: string): void {
    if (!existsSync(this.logFile)) return;
    mkdirSync(dirname(file), { recursive: true });
    copyFileSync(this.logFile, file);
  }

  /** Stops everything, and takes away everything that there was. May be called at any time, and twice. */
  close(): Promise<void> {
    this.closing ??= this.end();
    return this.closing;
  }

  private get running(): { shop: RunningTopology; database: Client } {
    if (!this.shop || !this.database) throw new Error('The drill is not open.');
    return { shop: this.shop, database: this.database };
  }

  private get logFile(): string {
    return join(this.folder, 'apps.log');
  }

  private async begin(): Promise<void> {
    const { environment, tell } = this.options;
    // Root's PostgreSQL runs as an unprivileged user, who has to get in.
    chmodSync(this.folder, 0o711);
    const given = environment['KAFKA_BROKERS'];
    if (!given) this.kafka = await startKafka({ folder: join(this.folder, 'kafka'), tell: () => undefined });
    this.shop = await startTopology({
      topology: 'monolith',
      folder: this.folder,
      port: 0,
      environment: {
        PATH: environment['PATH'],
        KAFKA_BROKERS: given || this.kafka?.brokers.join(','),
        // Whose brokers they are may have a shop of their own.
        ...(given && { KAFKA_PREFIX: `drill-${process.pid}` }),
        LOG_PRETTY: 'false',
        // Three apps at a time, each with as many as four modules.
        DATABASE_POOL_SIZE: '5',
      },
      tell: (from, line) => appendFileSync(this.logFile, `${from} | ${line}\n`),
    });
    const [url] = this.shop.databaseUrls.values();
    this.database = new Client({ connectionString: url });
    // A connection that is lost makes the query under way fail, which tells of it.
    this.database.on('error', () => undefined);
    await this.database.connect();
    tell(`the shop is open: ${this.shop.url}`);
  }

  /** Answers how many processes were killed meanwhile. */
  private async amidKills(direction: Direction, from: Side, to: Side, chance: () => number): Promise<number> {
    const { module, withKills, dwellMs, tell } = this.options;
    const { shop, database } = this.running;
    const say = (what: string) => {
      this.goesOn = what;
      tell(`${module} ${direction}: ${what}`);
    };
    const plan: Kill[] = withKills ? planKills(from, to, chance) : [];
    const kills = new Kills(plan, {
      lasts: { starting: START_MS, sharing: SHARES.length * dwellMs, leaving: LEAVE_MS, settled: dwellMs },
      find: (app) => shop.apps.find(({ name }) => name === app),
      told: say,
    });
    const reached = (stage: Kill['stage']) => kills.reached(stage);
    await move({ shop, database, messages, from, to, dwellMs, reached, tell: say });
    await kills.done();
    return plan.length;
  }

  private async end(): Promise<void> {
    await this.database?.end().catch(() => undefined);
    await this.shop?.stop();
    await this.kafka?.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
