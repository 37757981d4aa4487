import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { request } from 'undici';
import { until } from './eventually';
import { keepLog } from './kept-log';
import type { PaymentProvider } from './payment-provider';
import type { Premises } from './premises';
import type { Differently, RunningShop } from './shop';
import { END_WITH_PARENT, SHUTDOWN_MS, START_MS } from './own-processes';

const PROGRAM = join(__dirname, '../../../dist/apps/monolith/src/main.js');

/** A shop as `npm start` starts it: one process, asked without anything in between. */
export class OneProcess implements RunningShop {
  baseUrl = '';
  readonly broker = null;
  readonly logFile: string;
  private child: ChildProcess | undefined;

  private constructor(
    private readonly premises: Premises,
    private readonly folder: string,
    private differently: Differently,
  ) {
    this.logFile = join(folder, 'shop.log');
  }

  static async open(premises: Premises, differently: Differently, folder = premises.folder): Promise<OneProcess> {
    const shop = new OneProcess(premises, folder, differently);
    try {
      await shop.start();
      return shop;
    } catch (error) {
      keepLog(shop.logFile);
      throw error;
    }
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

  get databaseUrls(): readonly string[] {
    return [this.premises.database.url];
  }

  get environment(): NodeJS.ProcessEnv {
    return {
      ...this.premises.environment,
      PORT: this.baseUrl ? new URL(this.baseUrl).port : '0',
      BANYAN_FOLDER: this.folder,
      ...this.differently,
    };
  }

  openAnother(): Promise<OneProcess> {
    return OneProcess.open(this.premises, this.differently, this.premises.folderBeside());
  }

  async start(differently = this.differently): Promise<void> {
    this.differently = differently;
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

  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  pause(): void {
    this.child?.kill('SIGSTOP');
  }

  resume(): void {
    this.child?.kill('SIGCONT');
  }

  async stop(): Promise<number | null> {
    await this.end('SIGTERM');
    return this.child?.exitCode ?? null;
  }

  async loses(): Promise<readonly string[]> {
    await this.kill();
    return [];
  }

  finds(): Promise<void> {
    return this.start();
  }

  becomes(topology: string): Promise<void> {
    throw new Error(`One process, without a runner, does not become ${topology}.`);
  }

  async close(): Promise<void> {
    const late = setTimeout(() => this.child?.kill('SIGKILL'), SHUTDOWN_MS);
    await this.end('SIGTERM');
    clearTimeout(late);
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    if (!this.child || hasEnded(this.child)) return;
    const gone = once(this.child, 'exit');
    this.child.kill(signal);
    await gone;
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
