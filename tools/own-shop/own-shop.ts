import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { projectFolder, startEmbeddedPostgres } from '@banyan/development';

const START_MS = 60_000;
const END_MS = 12_000;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export interface OwnShopOptions {
  /** What it is opened for, a word: part of its folder's name and of its admin's e-mail. */
  purpose: string;
  /** Variables beside those that it needs anyway. */
  environment?: Record<string, string>;
}

/**
 * A shop in a process of its own, with a database and a provider of its own, all of it gone once it is closed. That
 * happens also where the command that has opened it is interrupted, which ends it with exit code 1.
 */
export class OwnShop {
  baseUrl = '';
  private child: ChildProcess | undefined;
  private readonly interrupted = () => void this.close().finally(() => process.exit(1));

  private constructor(
    private readonly folder: string,
    readonly admin: { readonly email: string; readonly password: string },
    private readonly beside: Record<string, string>,
  ) {}

  /** What its processes are started with, and commands that look at it. */
  get environment(): NodeJS.ProcessEnv {
    return {
      PATH: process.env['PATH'],
      NODE_ENV: 'development',
      HOST: '127.0.0.1',
      PORT: this.baseUrl ? new URL(this.baseUrl).port : '0',
      BANYAN_FOLDER: this.folder,
      ADMIN_EMAIL: this.admin.email,
      ADMIN_PASSWORD: this.admin.password,
      LOG_PRETTY: 'false',
      ...this.beside,
    };
  }

  /** Throws with what it said where it does not start. */
  static async open({ purpose, environment = {} }: OwnShopOptions): Promise<OwnShop> {
    const folder = mkdtempSync(join(tmpdir(), `banyan-${purpose}-`));
    // Root's PostgreSQL runs as an unprivileged user, who has to get in.
    chmodSync(folder, 0o711);
    const admin = { email: `admin@${purpose}.example`, password: randomUUID() };
    const shop = new OwnShop(folder, admin, environment);
    for (const signal of SIGNALS) process.once(signal, shop.interrupted);
    try {
      await shop.start();
      return shop;
    } catch (error) {
      await shop.close();
      throw error;
    }
  }

  /** Starts it (again), at the address it had before; resolves when it is open. */
  async start(): Promise<void> {
    const log = openSync(this.logFile, 'a');
    const begunAt = readFileSync(this.logFile).length;
    const endWithParent = join(projectFolder(), 'tools/own-shop/end-with-parent.cjs');
    const program = join(projectFolder(), 'dist/apps/monolith/src/main.js');
    this.child = spawn(process.execPath, ['--require', endWithParent, program], {
      env: this.environment,
      stdio: ['ignore', log, log, 'ipc'],
    });
    closeSync(log);
    this.baseUrl = await this.address(this.child, begunAt);
  }

  /** Kills it outright, in the middle of whatever it is doing. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  /** What the shop complained of. */
  complaints(): string[] {
    return readFileSync(this.logFile, 'utf8')
      .split('\n')
      .filter((line) => /"level":"(error|fatal)"/.test(line));
  }

  /** Copies all that the shop has said to where it outlives the shop. */
  keepLog(file: string): void {
    mkdirSync(dirname(file), { recursive: true });
    copyFileSync(this.logFile, file);
  }

  /** Stops it, and takes away everything that it had. */
  async close(): Promise<void> {
    const late = setTimeout(() => this.child?.kill('SIGKILL'), END_MS);
    await this.end('SIGTERM');
    clearTimeout(late);
    await this.takeDownLeftovers();
    rmSync(this.folder, { recursive: true, force: true });
    for (const signal of SIGNALS) process.off(signal, this.interrupted);
  }

  private get logFile(): string {
    return join(this.folder, 'shop.log');
  }

  private async address(child: ChildProcess, begunAt: number): Promise<string> {
    const said = () => readFileSync(this.logFile).subarray(begunAt).toString();
    for (const giveUpAt = Date.now() + START_MS; Date.now() < giveUpAt; await pause(50)) {
      const address = /^The shop is open: (http\S+)\/api\/v1$/m.exec(said())?.[1];
      if (address) return address;
      if (hasEnded(child)) throw new Error(`The shop did not start:\n${said()}`);
    }
    throw new Error(`The shop did not start within ${START_MS / 1000} s:\n${said()}`);
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    if (!this.child || hasEnded(this.child)) return;
    const gone = once(this.child, 'exit');
    this.child.kill(signal);
    await gone;
  }

  /** A shop that was killed leaves its PostgreSQL running, for the next start to adopt. */
  private async takeDownLeftovers(): Promise<void> {
    const folder = join(this.folder, 'postgres');
    if (!this.child?.signalCode || !existsSync(folder)) return;
    const adopted = await startEmbeddedPostgres({ folder, tell: () => undefined });
    await adopted.stop();
  }
}

const hasEnded = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null;
