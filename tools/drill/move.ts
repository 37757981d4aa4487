import { setTimeout as timePasses } from 'node:timers/promises';
import type { ModuleMessages } from '@banyan/messaging';
import type { Client } from 'pg';
import { AppDidNotStart } from '../topology/app-process';
import type { RunningTopology } from '../topology/start-topology';
import type { Stage } from './kills';
import { alone, exportedBy, sentOverKafka, sideBySide, type SentTopic, type Side } from './sides';

/*
 * How a module moves, while the shop is open. What may go wrong at each stage stands in docs/adr, what a person types in
 * docs/how-to/move-a-module.md.
 *
 *   starting   the apps of the new side start beside the old ones, and what they send over Kafka has all been sent
 *   sharing    the gateway leads more and more of every module's requests to the new side
 *   leaving    the apps of the old side end; whoever waits on the new side for their messages takes over
 *   settled    only the new side is left
 *
 * At every moment either side may serve a request, and each message is carried to each subscriber by one side alone.
 */

/** How much of every hundred requests the new side answers, step by step. */
export const SHARES = [5, 25, 50, 75, 100] as const;

export interface MoveOptions {
  shop: RunningTopology;
  /** A session that may read every module's schema. */
  database: Pick<Client, 'query'>;
  messages: readonly Pick<ModuleMessages, 'module' | 'publishes' | 'hears'>[];
  from: Side;
  to: Side;
  /** How long each share stays, and how long it is watched at the end. */
  dwellMs: number;
  /** Told when a stage begins, once each. */
  reached(stage: Stage): void;
  tell(line: string): void;
}

// A machine may be busy with whatever else is started.
const PATIENCE_MS = 60_000;
const BETWEEN_LOOKS_MS = 100;
const STARTS = 3;
// Longer than an app takes to find out about what it needs.
const LOOK_MS = 5_000;

/** Moves the shop from one side to the other. Throws where the new side does not become able to take over. */
export async function move(options: MoveOptions): Promise<void> {
  const { shop, from, to, dwellMs, reached, tell } = options;
  const named = ({ apps }: Side) => Object.keys(apps).join(' and ');
  tell(`starting ${named(to)} beside ${named(from)}`);
  reached('starting');
  const logs = await logsOf(options);
  await Promise.all(Object.keys(to.apps).map((app) => startBeside(options, app)));
  shop.route(sideBySide('A move begins.', from, to, 0));
  await isReady(shop, to);
  await hasSent(options, logs);

  reached('sharing');
  for (const share of SHARES) {
    // Nobody is led to a side that could not take all.
    await isReady(shop, to);
    tell(`${share} % of the requests`);
    shop.route(sideBySide(`A move, at ${share} %.`, from, to, share));
    await timePasses(dwellMs);
  }
  await isReady(shop, to);
  await hasSent(options, await logsOf(options));

  tell(`stopping ${named(from)}`);
  reached('leaving');
  await Promise.all(Object.keys(from.apps).map((app) => shop.stopApp(app)));
  shop.route(alone('A move is over.', to));

  tell(`left with ${named(to)}`);
  reached('settled');
  await timePasses(dwellMs);
  await isReady(shop, to);
}

/** An app that dies while it starts has changed nothing: it is started again. */
async function startBeside({ shop, messages, to }: MoveOptions, app: string): Promise<void> {
  const as = { modules: to.apps[app]!, transport: to.transport, exportedEvents: exportedBy(to, app, messages) };
  for (let attempt = 1; ; attempt += 1) {
    try {
      await shop.startApp(app, as);
      return;
    } catch (error) {
      if (!(error instanceof AppDidNotStart) || attempt === STARTS) throw error;
    }
  }
}

async function isReady(shop: RunningTopology, side: Side): Promise<void> {
  await until(`${Object.keys(side.apps).join(' and ')} to be ready`, async () => {
    const looks = Object.keys(side.apps).map(async (app) => {
      const signal = AbortSignal.timeout(LOOK_MS);
      const ready = fetch(`http://${shop.app(app).address}/health/ready`, { signal });
      return ready.then(({ ok }) => ok).catch(() => false);
    });
    return (await Promise.all(looks)).every((ok) => ok);
  });
}

/** A part of a module's log that the new side sends over Kafka, and its end at one moment. */
interface Log extends SentTopic {
  end: number;
}

async function logsOf({ database, messages, to }: MoveOptions): Promise<Log[]> {
  const logs: Log[] = [];
  for (const sent of sentOverKafka(to, messages)) {
    const ending = `SELECT coalesce(max(position), 0)::float8 AS end FROM ${sent.module}.outbox WHERE topic = $1`;
    const { rows } = await database.query<{ end: number }>(ending, [sent.topic]);
    logs.push({ ...sent, end: rows[0]!.end });
  }
  return logs;
}

/** Waits until the new side has sent all of it, so that whoever takes over has not to wait for what is old. */
async function hasSent({ database }: MoveOptions, logs: readonly Log[]): Promise<void> {
  for (const { module, topic, end } of logs) {
    await until(`${topic} of ${module} to be sent over Kafka`, async () => {
      const passed = `SELECT FROM ${module}.relay WHERE topic = $1 AND position >= $2`;
      return (await database.query(passed, [topic, end])).rowCount === 1;
    });
  }
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (const giveUpAt = Date.now() + PATIENCE_MS; !(await holds()); await timePasses(BETWEEN_LOOKS_MS)) {
    if (Date.now() > giveUpAt) throw new Error(`Waited ${PATIENCE_MS / 1000} s for ${what}.`);
  }
}
