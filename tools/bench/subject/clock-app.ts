/**
 * A program of the bench: the bus with nothing around it, a clock that announces and a listener that writes down. MODULES
 * names those of the two that it hosts.
 */
import 'reflect-metadata';
import { performance } from 'node:perf_hooks';
import { ConfigModule, loadSettings } from '@banyan/config';
import {
  Bus,
  connectBus,
  Handles,
  MessagingModule,
  messagingMigrations,
  Outbox,
  type Handling,
  type Received,
} from '@banyan/messaging';
import { Database, PersistenceModule, statement, type Migration } from '@banyan/persistence';
import { Controller, Inject, Injectable, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { answerQuestions } from '../answering';
import { quantile } from '../statistics';
import { heardTick, ticked } from './ticks';

const heardTable = class Heard1700000000100 {
  async up(runner: { query(sql: string): Promise<unknown> }): Promise<void> {
    await runner.query('CREATE TABLE heard (message_id uuid PRIMARY KEY, n bigint NOT NULL)');
  }

  async down(runner: { query(sql: string): Promise<unknown> }): Promise<void> {
    await runner.query('DROP TABLE heard');
  }
} as unknown as Migration;

const clock = PersistenceModule.forModule({ module: 'clock', migrations: messagingMigrations });
const listener = PersistenceModule.forModule({ module: 'listener', migrations: [...messagingMigrations, heardTable] });

const writeDown = statement<never>(
  'heard.write-down',
  'INSERT INTO heard (message_id, n) SELECT * FROM unnest($1::uuid[], $2::bigint[])',
);

/** When the latest handler began, by the machine's monotonic clock that all processes share, and how many messages have been handled, for whoever waits for them. */
let startedAt = 0;
let handled = 0;
let goal = { count: Infinity, reached: () => undefined as void };

@Controller()
class Listener {
  @Handles(heardTick)
  async handle(messages: Received<typeof heardTick>[], { tx }: Handling): Promise<void> {
    startedAt = now();
    tx.afterCommit(() => {
      handled += messages.length;
      if (handled >= goal.count) goal.reached();
    });
    tx.send(writeDown, [messages.map(({ id }) => id), messages.map(({ data }) => data.n)]);
  }
}

/** What the clock announces with. */
@Injectable()
class Hand {
  constructor(
    @Inject(Database) readonly database: Database,
    @Inject(Outbox) readonly outbox: Outbox,
  ) {}
}

@Module({
  imports: [clock, MessagingModule.forModule({ module: 'clock', persistence: clock, publishes: [ticked], hears: [] })],
  providers: [Hand],
})
class ClockModule {}

@Module({
  imports: [
    listener,
    MessagingModule.forModule({ module: 'listener', persistence: listener, publishes: [], hears: [heardTick] }),
  ],
  controllers: [Listener],
})
class ListenerModule {}

const MODULES: Record<string, Type> = { clock: ClockModule, listener: ListenerModule };

async function open() {
  const { MODULES: names = '', ...environment } = process.env;
  const settings = loadSettings({ NODE_ENV: 'test', ...environment });
  const hosted = names.split(',').map((name) => MODULES[name] as Type);
  @Module({ imports: [ConfigModule.forRoot(settings), ...hosted] })
  class App {}
  const app = await NestFactory.create(App, new FastifyAdapter(), { logger: ['error', 'warn'] });
  connectBus(app);
  await app.init();
  await app.startAllMicroservices();
  return { bus: app.get(Bus, { strict: false }), hand: () => app.get(Hand, { strict: false }) };
}

const opened = open();

/** Wakes the listener for what was written behind its back; answers the milliseconds until that many have been handled. */
async function drain({ upTo }: { upTo: number }): Promise<number> {
  const { bus } = await opened;
  const beganAt = performance.now();
  const reached = handledUpTo(upTo);
  // It ends when all that is there has been handled, which is more than was asked for.
  bus.caughtUp('listener').catch(() => undefined);
  await reached;
  return performance.now() - beganAt;
}

/** Sends messages one after another; answers the median milliseconds from commit to the handler's start. */
async function commitToHandler({ count }: { count: number }): Promise<number> {
  const times: number[] = [];
  for (let n = 0; n < count; n += 1) {
    const reached = handledUpTo(handled + 1);
    const committedAt = await tick({ n });
    await reached;
    times.push(startedAt - committedAt);
  }
  return quantile(times, 0.5);
}

/** Sends one message; answers when that was committed. */
async function tick({ n }: { n: number }): Promise<number> {
  const { database, outbox } = (await opened).hand();
  let committedAt = 0;
  await database.transaction(async (tx) => {
    tx.afterCommit(() => (committedAt = now()));
    await outbox.publish(tx, [ticked({ tower: `lone-${n % 100}`, n })]);
  });
  return committedAt;
}

/** Waits for one message more; answers when its handler began. */
async function next(): Promise<number> {
  await handledUpTo(handled + 1);
  return startedAt;
}

function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

async function handledUpTo(count: number): Promise<void> {
  if (handled < count) await new Promise<void>((resolve) => (goal = { count, reached: resolve }));
}

answerQuestions({ ready: () => opened.then(() => true), drain, commitToHandler, tick, next });
