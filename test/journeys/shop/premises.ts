import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDatabase } from './database';
import { PaymentProvider } from './payment-provider';

/** Where shops keep their databases during this run; set by open.ts, a superuser's URL. */
export const DATABASE_SERVER = 'JOURNEYS_DATABASE_SERVER';

/** What a shop has whatever its processes are: a folder, a database, a payment provider, and somebody who runs it. */
export class Premises {
  readonly admin = { email: 'admin@journeys.example', password: randomBytes(12).toString('hex') };
  /** A word that no other shop of this run has. */
  readonly name = `j${randomBytes(5).toString('hex')}`;
  readonly logFile: string;

  private constructor(
    readonly folder: string,
    readonly database: { url: string; drop(): Promise<void> },
    readonly provider: PaymentProvider,
  ) {
    this.logFile = join(folder, 'shop.log');
  }

  static async take(): Promise<Premises> {
    const server = process.env[DATABASE_SERVER];
    if (!server) throw new Error(`${DATABASE_SERVER} is not set: this Jest project lacks test/journeys/shop/open.ts.`);
    const folder = mkdtempSync(join(tmpdir(), 'banyan-journeys-'));
    // Root's PostgreSQL runs as an unprivileged user, who has to get in.
    chmodSync(folder, 0o711);
    return new Premises(folder, await createDatabase(server), await PaymentProvider.start(folder));
  }

  /** What every process of the shop is started with. */
  get environment(): Record<string, string> {
    return {
      PATH: process.env['PATH'] ?? '',
      NODE_ENV: 'development',
      HOST: '127.0.0.1',
      BANYAN_FOLDER: this.folder,
      DATABASE_URL: this.database.url,
      DATABASE_POOL_SIZE: '6',
      PAYMENT_PROVIDER_URL: this.provider.url,
      // Longer than tok_slow takes, so that its answer is waited for; shorter than one likes to wait for tok_timeout.
      PAYMENT_PROVIDER_TIMEOUT_MS: '4000',
      ADMIN_EMAIL: this.admin.email,
      ADMIN_PASSWORD: this.admin.password,
      LOG_PRETTY: 'false',
    };
  }

  /** A folder for another process of the same shop. */
  folderBeside(): string {
    return mkdtempSync(join(this.folder, 'another-'));
  }

  async leave(): Promise<void> {
    await this.provider.stop();
    await this.database.drop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
