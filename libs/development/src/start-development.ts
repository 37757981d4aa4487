import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { databasesBeside } from './databases-beside';
import { startEmbeddedPostgres, type EmbeddedPostgres } from './embedded-postgres';
import { FolderInUse } from './errors';
import { holdFolder } from './folder-lock';
import { startKafka, type KafkaCluster } from './kafka';
import { dockerAnswers, startKafkaContainer } from './kafka-container';
import { whyNoKafka } from './kafka-jars';
import { keptAdmin, keptSigningKeySecret, writeSecret } from './kept-secrets';
import { startPaymentProvider, type PaymentProviderProcess } from './payment-provider';
import { developmentFolder } from './project-folder';

export interface Development {
  /** What the shop needs beside the environment that was passed in; merge it over that one. */
  env: Record<string, string>;
  /** What was started for it, to be looked at and broken by tests; a part that the environment named is absent. */
  started: { postgres?: EmbeddedPostgres; provider?: PaymentProviderProcess; kafka?: KafkaCluster };
  /** Lets commands beside the shop have these variables, too. */
  tellCommands(env: Record<string, string>): void;
  /** Stops what was started, database last. */
  stop(): Promise<void>;
}

export interface DevelopmentNeeds {
  /** Modules that shall have a database each, beside the one of DATABASE_URL. Default: none. */
  databasesFor?: readonly string[];
}

type Tell = (line: string) => void;

const toStandardError: Tell = (line) => process.stderr.write(`${line}\n`);

/**
 * Supplies what the environment leaves open: DATABASE_URL by an embedded PostgreSQL, PAYMENT_PROVIDER_URL by the
 * simulated provider, ADMIN_EMAIL with ADMIN_PASSWORD and SIGNING_KEY_SECRET by ones made up once and kept, KAFKA_BROKERS
 * by a Kafka where EVENT_TRANSPORT needs one. All of it lives in BANYAN_FOLDER (default `.banyan` in the project); shops
 * with a folder each run side by side.
 * Throws FolderInUse where another shop runs in that folder, PostgresDidNotStart, PaymentProviderDidNotStart or
 * KafkaUnavailable.
 */
export async function startDevelopment(
  env: NodeJS.ProcessEnv,
  tell: Tell = toStandardError,
  { databasesFor = [] }: DevelopmentNeeds = {},
): Promise<Development> {
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
    const started: Development['started'] = {};
    if (!env['DATABASE_URL']) {
      const postgres = await startEmbeddedPostgres({ folder: join(folder, 'postgres'), tell });
      stops.push(postgres.stop);
      started.postgres = postgres;
      supplied['DATABASE_URL'] = postgres.url;
    }
    Object.assign(supplied, await databasesBeside(env['DATABASE_URL'] || supplied['DATABASE_URL']!, databasesFor, env));
    if (needsKafka(env)) {
      const kafka = await supplyKafka(join(folder, 'kafka'), tell);
      stops.push(kafka.stop);
      if (kafka.cluster) started.kafka = kafka.cluster;
      supplied['KAFKA_BROKERS'] = kafka.brokers.join(',');
    }
    if (!env['PAYMENT_PROVIDER_URL']) {
      // What was charged for the one data is unknown to the other.
      const books = databasesFor.length > 0 ? 'provider-apart' : 'provider';
      const provider = await startPaymentProvider({ folder: join(folder, books), tell });
      stops.push(provider.stop);
      started.provider = provider;
      supplied['PAYMENT_PROVIDER_URL'] = provider.url;
    }
    if (!env['ADMIN_PASSWORD']) {
      const admin = keptAdmin(folder);
      supplied['ADMIN_EMAIL'] = env['ADMIN_EMAIL'] || admin.email;
      supplied['ADMIN_PASSWORD'] = admin.password;
    }
    if (!env['SIGNING_KEY_SECRET']) supplied['SIGNING_KEY_SECRET'] = keptSigningKeySecret(folder);
    let told = supplied;
    const tellCommands = (more: Record<string, string>) => writeSecret(running, (told = { ...told, ...more }));
    tellCommands({});
    return { env: supplied, started, tellCommands, stop };
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
  const giveUpAt = Date.now() + 30_000;
  for (;;) {
    try {
      return await startDevelopment(env, tell);
    } catch (error) {
      if (!(error instanceof FolderInUse) || Date.now() > giveUpAt) throw error;
    }
    const running = toldToCommands(env);
    if (running) return { env: running, started: {}, tellCommands: () => undefined, stop: async () => undefined };
    await wait(100);
  }
}

/**
 * What the shop that runs in BANYAN_FOLDER, or that was killed there, let commands know; null where there is none.
 * BASE_URL is where its API is.
 */
export function toldToCommands(env: NodeJS.ProcessEnv): Record<string, string> | null {
  try {
    return JSON.parse(readFileSync(join(developmentFolder(env), 'running.json'), 'utf8')) as Record<string, string>;
  } catch {
    return null;
  }
}

const needsKafka = (env: NodeJS.ProcessEnv) =>
  !env['KAFKA_BROKERS'] && ['kafka', 'mixed'].includes(env['EVENT_TRANSPORT'] ?? '');

/** A Kafka of this folder's own; a container, which goes on afterwards, only where there is no Java to run one with. */
async function supplyKafka(
  folder: string,
  tell: Tell,
): Promise<{ brokers: readonly string[]; cluster?: KafkaCluster; stop(): Promise<void> }> {
  if (whyNoKafka() !== null && dockerAnswers())
    return { brokers: [startKafkaContainer()], stop: async () => undefined };
  const cluster = await startKafka({ folder, tell });
  return { brokers: cluster.brokers, cluster, stop: () => cluster.stop() };
}
