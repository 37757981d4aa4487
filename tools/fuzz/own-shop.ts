import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { projectFolder } from '@banyan/development';

const START_MS = 60_000;

/** A shop in a process of its own, with a database and a provider of its own, all of it gone once it is closed. */
export class OwnShop {
  private constructor(
    readonly baseUrl: string,
    readonly admin: { readonly email: string; readonly password: string },
    private readonly folder: string,
    private readonly child: ChildProcess,
  ) {}

  /** Throws with what it said where it does not start. */
  static async open(): Promise<OwnShop> {
    const folder = mkdtempSync(join(tmpdir(), 'banyan-fuzz-'));
    // Root's PostgreSQL runs as an unprivileged user, who has to get in.
    chmodSync(folder, 0o711);
    const log = openSync(join(folder, 'shop.log'), 'a');
    const admin = { email: 'admin@fuzz.example', password: randomUUID() };
    const child = spawn(process.execPath, [join(projectFolder(), 'dist/apps/monolith/src/main.js')], {
      env: {
        PATH: process.env['PATH'],
        NODE_ENV: 'development',
        HOST: '127.0.0.1',
        PORT: '0',
        BANYAN_FOLDER: folder,
        ADMIN_EMAIL: admin.email,
        ADMIN_PASSWORD: admin.password,
        LOG_PRETTY: 'false',
        LOG_LEVEL: 'warn',
      },
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    try {
      return new OwnShop(await addressOf(child, join(folder, 'shop.log')), admin, folder, child);
    } catch (error) {
      await end(child);
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** What the shop complained of, the last lines first to be cut. */
  complaints(): string[] {
    return readFileSync(join(this.folder, 'shop.log'), 'utf8')
      .split('\n')
      .filter((line) => /"level":"(error|fatal)"/.test(line));
  }

  async close(): Promise<void> {
    await end(this.child);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function addressOf(child: ChildProcess, logFile: string): Promise<string> {
  for (const giveUpAt = Date.now() + START_MS; Date.now() < giveUpAt; await pause(50)) {
    const said = readFileSync(logFile, 'utf8');
    const address = /^The shop is open: (http\S+)\/api\/v1$/m.exec(said)?.[1];
    if (address) return address;
    if (child.exitCode !== null) throw new Error(`The shop did not start:\n${said}`);
  }
  throw new Error(`The shop did not start within ${START_MS / 1000} s:\n${readFileSync(logFile, 'utf8')}`);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  await gone;
}
