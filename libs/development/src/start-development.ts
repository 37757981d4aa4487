import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { startEmbeddedPostgres } from './embedded-postgres';
import { FolderInUse } from './errors';
import { holdFolder } from './folder-lock';
import { keptAdmin, keptSigningKeySecret, writeSecret } from './kept-secrets';
import { startPaymentProvider } from './payment-provider';
import { developmentFolder } from './project-folder';

export interface Development {
  /** What the shop needs beside the environment that was passed in; merge it over that one. */
  env: Record<string, string>;
  /** Stops what was started, database last. */
  stop(): Promise<void>;
}

type Tell = (line: string) => void;

const toStandardError: Tell = (line) => process.stderr.write(`${line}\n`);

/**
 * Supplies what the environment leaves open: DATABASE_URL by an embedded PostgreSQL, PAYMENT_PROVIDER_URL by the
 * simulated provider, ADMIN_EMAIL with ADMIN_PASSWORD and SIGNING_KEY_SECRET by ones made up once and kept. All of it
 * lives in BANYAN_FOLDER (default `.banyan` in the project); shops with a folder each run side by side.
 * Throws FolderInUse where another shop runs in that folder, PostgresDidNotStart or PaymentProviderDidNotStart.
 */
export async function startDevelopment(env: NodeJS.ProcessEnv, tell: Tell = toStandardError): Promise<Development> {
  const folder = developmentFolder(env);
  const held = holdFolder(folder);
  const running = join(folder, 'running.json');
  const stops: (() => unknown)[] = [() => held.release(), () => rmSync(running, { force: true })];
  const stop = async () => {
    for (const each of stops.splice(0).reverse()) await each();
  };
  try {
    rmSync(running, { force: true });
    const supplied: Record<string, string> = {};
    if (!env['DATABASE_URL']) {
      const postgres = await startEmbeddedPostgres({ folder: join(folder, 'postgres'), tell });
      stops.push(postgres.stop);
      supplied['DATABASE_URL'] = postgres.url;
    }
    if (!env['PAYMENT_PROVIDER_URL']) {
      const provider = await startPaymentProvider({ folder: join(folder, 'provider'), tell });
      stops.push(provider.stop);
      supplied['PAYMENT_PROVIDER_URL'] = provider.url;
    }
    if (!env['ADMIN_PASSWORD']) {
      const admin = keptAdmin(folder);
      supplied['ADMIN_EMAIL'] = env['ADMIN_EMAIL'] || admin.email;
      supplied['ADMIN_PASSWORD'] = admin.password;
    }
    if (!env['SIGNING_KEY_SECRET']) supplied['SIGNING_KEY_SECRET'] = keptSigningKeySecret(folder);
    writeSecret(running, supplied);
    return { env: supplied, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * For commands beside the shop: what the shop running in BANYAN_FOLDER was supplied with, or the same started for the
 * length of the command where none is running. Waits half a minute for a shop that is just starting.
 */
export async function joinDevelopment(env: NodeJS.ProcessEnv, tell: Tell = toStandardError): Promise<Development> {
  const running = join(developmentFolder(env), 'running.json');
  const giveUpAt = Date.now() + 30_000;
  for (;;) {
    try {
      return await startDevelopment(env, tell);
    } catch (error) {
      if (!(error instanceof FolderInUse) || Date.now() > giveUpAt) throw error;
    }
    try {
      return { env: JSON.parse(readFileSync(running, 'utf8')) as Record<string, string>, stop: async () => undefined };
    } catch {
      await wait(100);
    }
  }
}
