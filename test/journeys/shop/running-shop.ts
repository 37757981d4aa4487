import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'undici';
import { audit } from './audit';
import { createDatabase } from './database';
import { until } from './eventually';
import { keepLog } from './kept-log';
import { PaymentProvider } from './payment-provider';
import { skippedLoudly, type Shop } from './shop';
import type {} from './witness';

const PROGRAM = join(__dirname, '../../../dist/apps/monolith/src/main.js');
/** Required first by a process with a channel to this one: however this one ends, that one ends with it. */
export const END_WITH_PARENT = join(__dirname, '../../../tools/own-shop/end-with-parent.cjs');
const START_MS = 40_000;
const SHUTDOWN_MS = 12_000;
// The audit waits half a minute for a quiet moment.
const AUDIT_MS = 60_000;

/** Where shops keep their databases during this run; set by open.ts, a superuser's URL. */
export const DATABASE_SERVER = 'JOURNEYS_DATABASE_SERVER';

/** Variables of the shop's own environment that differ from how everybody's shop is started. */
export type Differently = Record<string, string>;

/**
 * A shop that this process has started, and so may stop, kill and start again. It has a database, a payment provider
 * and a folder of its own, on ports of their own.
 */
export class RunningShop implements Shop {
  baseUrl = '';
  private child: ChildProcess | undefined;

  private constructor(
    private readonly folder: string,
    private readonly database: { url: string; drop(): Promise<void> },
    readonly provider: PaymentProvider,
    private readonly differently: Differently,
    readonly admin = { email: 'admin@journeys.example', password: randomBytes(12).toString('hex') },
    readonly logFile = join(folder, 'shop.log'),
  ) {}

  get databaseUrls(): readonly string[] {
    return [this.database.url];
  }

  get providerUrl(): string {
    return this.provider.url;
  }

  /** What its processes are started with. */
  get environment(): NodeJS.ProcessEnv {
    return {
      PATH: process.env['PATH'],
      NODE_ENV: 'development',
      HOST: '127.0.0.1',
      PORT: this.baseUrl ? new URL(this.baseUrl).port : '0',
      BANYAN_FOLDER: this.folder,
      DATABASE_URL: this.database.url,
      DATABASE_POOL_SIZE: '6',
      PAYMENT_PROVIDER_URL: this.provider.url,
      // Longer than tok_slow takes, so that its answer is waited for; shorter than one likes to wait for tok_timeout.
      PAYMENT_PROVIDER_TIMEOUT_MS: '4000',
      ADMIN_EMAIL: this.admin.email,
      ADMIN_PASSWORD: this.admin.password,
      LOG_PRETTY: 'false',
      ...this.differently,
    };
  }

  /** A shop that is ready. Whatever was begun is undone where it does not become so, and its log is in the error. */
  static async open(differently: Differently = {}): Promise<RunningShop> {
    const server = process.env[DATABASE_SERVER];
    if (!server) throw new Error(`${DATABASE_SERVER} is not set: this Jest project lacks test/journeys/shop/open.ts.`);
    const folder = mkdtempSync(join(tmpdir(), 'banyan-journeys-'));
    const database = await createDatabase(server);
    const shop = new RunningShop(folder, database, await PaymentProvider.start(folder), differently);
    try {
      await shop.start();
      return shop;
    } catch (error) {
      await shop.close({ keepLog: true });
      throw error;
    }
  }

  /**
   * Another process of this shop: on its database, with its provider, at an address of its own. Both must be started with
   * the same SIGNING_KEY_SECRET. It goes with `stop` or `kill`; the rest is the first one's.
   */
  async openAnother(): Promise<RunningShop> {
    const { database, provider, differently, admin } = this;
    const folder = mkdtempSync(join(this.folder, 'another-'));
    const another = new RunningShop(folder, database, provider, differently, admin);
    await another.start();
    return another;
  }

  /** Starts it (again), at the address it had before. */
  async start(): Promise<void> {
    const log = openSync(this.logFile, 'a');
    const begunAt = readFileSync(this.logFile).length;
    this.child = spawn(process.execPath, ['--require', END_WITH_PARENT, PROGRAM], {
      env: this.environment,
      stdio: ['ignore', log, log, 'ipc'],
    });
    closeSync(log);
    const { child } = this;
    await until(
      'the shop becomes ready',
      async () => {
        const printed = readFileSync(this.logFile).subarray(begunAt).toString();
        if (hasEnded(child)) throw new Error(`The shop did not start:\n${printed}`);
        const url = /^The shop is open: (http\S+)\/api\/v1$/m.exec(printed)?.[1];
        if (!url) return false;
        this.baseUrl = url.replace('[::]', '127.0.0.1');
        const { statusCode, body } = await request(`${this.baseUrl}/health/ready`);
        await body.dump();
        return statusCode === 200;
      },
      START_MS,
    );
  }

  /** Kills it outright, in the middle of whatever it is doing. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  /** It does nothing any more, but for what its connections hold: like a machine that swaps, or is moved. */
  pause(): void {
    this.child?.kill('SIGSTOP');
  }

  resume(): void {
    this.child?.kill('SIGCONT');
  }

  /** Asks it to stop, and answers its exit code. */
  async stop(): Promise<number | null> {
    await this.end('SIGTERM');
    return this.child?.exitCode ?? null;
  }

  /** Stops it, kindly at first, and takes away everything that it had, but for its log where that is to be kept. */
  async close(options: { keepLog: boolean }): Promise<void> {
    const late = setTimeout(() => this.child?.kill('SIGKILL'), SHUTDOWN_MS);
    await this.end('SIGTERM');
    clearTimeout(late);
    if (options.keepLog) keepLog(this.logFile);
    await this.provider.stop();
    await this.database.drop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    if (!this.child || hasEnded(this.child)) return;
    const gone = once(this.child, 'exit');
    this.child.kill(signal);
    await gone;
  }
}

/** Whether journeys can open shops of their own; where they visit one that somebody else runs, they cannot. */
const canOpen = process.env['JOURNEYS_BASE_URL'] === undefined;

/** Journeys that need a shop of their own, to start it differently or to kill it; skipped loudly where there can be none. */
export function inAShopOfItsOwn(
  story: string,
  differently: Differently,
  tell: (shop: () => RunningShop) => void,
): void {
  if (!canOpen) {
    skippedLoudly(`${story}: it needs a shop of its own, and JOURNEYS_BASE_URL names one that runs already.`);
    describe.skip(story, () => tell(() => undefined as never));
    return;
  }
  describe(story, () => {
    let shop: RunningShop | undefined;
    beforeAll(async () => {
      shop = await RunningShop.open(differently);
    }, START_MS);
    afterAll(() => shop?.close({ keepLog: globalThis.journeyFailed === true }), SHUTDOWN_MS * 2);
    tell(() => shop!);
    test('and afterwards its books balance', () => audit(shop!), AUDIT_MS);
  });
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
