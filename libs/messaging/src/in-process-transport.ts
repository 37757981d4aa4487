import { setTimeout as delay } from 'node:timers/promises';
import { Settings } from '@banyan/config';
import { Logger } from '@nestjs/common';
import { CustomTransportStrategy, MessageHandler, Server } from '@nestjs/microservices';
import { Bus, Carrier, EdgeState, Member } from './bus';
import { Consumer } from './consumer';
import { moduleOf } from './definitions';
import { LoggedMessage } from './envelope';
import { EdgeIncomplete } from './errors';
import { Feed } from './feed';
import { HandlerExtras } from './handles';
import { Arrival, Handlers, RegisteredHandler } from './handlers';
import { HeldMessages } from './held-messages';
import { Mischief } from './mischief';
import { nameOf } from './stream-memory';
import { OutboxPartitions } from './outbox-partitions';
import { News, Presence } from './presence';
import { Subscriptions } from './subscriptions';

// A handler is given up before the server ends its transaction, so that it is the handler that is blamed and not the database.
const HANDLER_SHARE = 0.8;
const HOUR_MS = 3_600_000;
// How soon it is seen that another instance has died, or slept through its lease.
const WATCH_MS = 2_000;
// Of a lease, so that two renewals may fail.
const RENEWALS = 3;
// Less than an app may take to end.
const CLOSE_MS = 4_000;

/** Everything that runs for one module of this app. */
interface Hosted {
  member: Member;
  presence: Presence;
  subscriptions: Subscriptions;
  held: HeldMessages;
  partitions: OutboxPartitions;
  feeds: Feed[];
}

/**
 * The bus inside one process, as a transport strategy of Nest: durable logs are its wires, and every subscribing module
 * consumes on its own, as it would behind a broker.
 */
export class InProcessTransport extends Server implements CustomTransportStrategy, Carrier {
  private readonly log = new Logger(InProcessTransport.name);
  private readonly registered: RegisteredHandler[] = [];
  private hosted = new Map<string, Hosted>();
  private timers: NodeJS.Timeout[] = [];
  private readonly keeping = new Set<Promise<void>>();

  constructor(
    private readonly bus: Bus,
    private readonly settings: Pick<Settings, 'bus'>,
  ) {
    super();
  }

  // Nest would chain the handlers of one pattern, so that a failure in one module repeats the work of another.
  override addHandler(pattern: unknown, callback: MessageHandler, _isEvent = false, extras: object = {}): void {
    const type = this.normalizePattern(pattern as string);
    const { subscriptions, method, overtakes } = extras as Partial<HandlerExtras>;
    const subscription = subscriptions?.find((candidate) => candidate.type === type);
    if (!subscription || !method) throw new Error(`The handler of ${type} is not marked with @Handles(subscription).`);
    this.registered.push({
      subscription,
      method,
      overtakes: overtakes ?? false,
      call: (messages, handling) => callback(messages, handling as never),
    });
  }

  async listen(callback: (error?: unknown) => void): Promise<void> {
    try {
      await this.begin();
      callback();
    } catch (error) {
      callback(error);
    }
  }

  /** Lets the batches under way finish, four seconds at most: what takes longer comes to nothing, and is done after the next start. */
  async close(): Promise<void> {
    this.timers.forEach(clearInterval);
    const timer = new AbortController();
    const patience = delay(CLOSE_MS, undefined, { signal: timer.signal }).catch(() => undefined);
    await Promise.race([this.end(), patience]);
    timer.abort();
    this.bus.connect(undefined);
  }

  // Not offered by this transport; Nest asks for both.
  on(): never {
    throw new Error('The in-process bus has no events of its own.');
  }

  unwrap<T>(): T {
    return this as never;
  }

  committed(module: string, messages: LoggedMessage[]): void {
    const feeds = this.feedsFrom(module);
    for (const feed of feeds) feed.offer(messages);
    // Where all of them run here, nobody else has use for the news.
    if (feeds.some(({ state }) => state !== 'running')) this.tellPublished(module);
  }

  async caughtUp(module: string): Promise<void> {
    await Promise.all((this.hosted.get(module)?.feeds ?? []).map((feed) => feed.caughtUp()));
  }

  madeDue(module: string): void {
    this.hosted.get(module)?.held.wake();
  }

  edges(): EdgeState[] {
    return [...this.hosted.values()].flatMap(({ feeds }) =>
      feeds.map(({ source, subscriber, state }) => ({ source, subscriber, state })),
    );
  }

  private async end(): Promise<void> {
    const hosted = [...this.hosted.values()];
    await Promise.all(hosted.flatMap(({ feeds, held }) => [...feeds.map((feed) => feed.stop()), held.stop()]));
    await Promise.all(hosted.map(({ presence }) => presence.end()));
    await Promise.all(this.keeping);
  }

  private async begin(): Promise<void> {
    const members = [...this.bus.members.values()];
    const problems = incompleteEdges(members, this.registered);
    if (problems.length > 0) throw new EdgeIncomplete(problems);
    this.hosted = new Map(members.map((member) => [member.module, this.host(member)]));
    await Promise.all([...this.hosted.values()].map(({ presence }) => presence.begin()));
    this.bus.connect(this);
    for (const { feeds, held } of this.hosted.values()) {
      feeds.forEach((feed) => feed.start());
      held.start();
    }
    this.every(this.settings.bus.leaseMs / RENEWALS, () => this.renew());
    this.every(WATCH_MS, () => this.watchOthers());
    this.every(HOUR_MS, () => this.keepLogs());
    this.keepHouse(() => this.keepLogs());
  }

  private host(member: Member): Hosted {
    const { module, database } = member;
    const { retry, mischief, leaseMs } = this.settings.bus;
    const mine = this.registered.filter(({ subscription }) => subscription.subscriber === module);
    const handlers = new Handlers(mine, database.transactionTimeoutMs * HANDLER_SHARE);
    const held = new HeldMessages(module, database, handlers, retry);
    const consumer = new Consumer(module, database, handlers, held, retry);
    const presence = new Presence(database, (news) => this.hear(module, news));
    const subscriptions = new Subscriptions(database, presence, leaseMs);
    const feeds = [...this.bus.members.values()].flatMap((source) => {
      const topics = sharedTopics(source, member);
      if (topics.size === 0) return [];
      const disturbing = mischief ? new Mischief<Arrival>(mischief, ({ at }) => nameOf(at)) : undefined;
      const lost = () => this.tellPublished(source.module);
      return [new Feed({ source, consumer, subscriptions, topics, mischief: disturbing, lost })];
    });
    const partitions = new OutboxPartitions(database);
    return { member, presence, subscriptions, held, partitions, feeds };
  }

  private feedsFrom(source: string): Feed[] {
    return [...this.hosted.values()].flatMap(({ feeds }) => feeds.filter((feed) => feed.source === source));
  }

  private tellPublished(module: string): void {
    this.hosted.get(module)?.presence.tellPublished();
  }

  /** A publisher's news is for those who read its log; that an instance of a subscriber left, for that subscriber's feeds. */
  private hear(module: string, news: News): void {
    const concerned = news === 'published' ? this.feedsFrom(module) : (this.hosted.get(module)?.feeds ?? []);
    for (const feed of concerned) feed.hear(news);
  }

  private async watchOthers(): Promise<void> {
    for (const { subscriptions, feeds } of this.hosted.values()) {
      const waiting = feeds.filter(({ state }) => state === 'waiting');
      if (waiting.length === 0) continue;
      const vacant = await subscriptions.vacant();
      for (const feed of waiting) if (vacant.has(feed.source)) feed.hear('left');
    }
  }

  private async renew(): Promise<void> {
    await Promise.all(
      [...this.hosted.values()].map(async ({ subscriptions, feeds }) => {
        const epochs = await subscriptions.renew();
        for (const feed of feeds) feed.confirm(epochs.get(feed.source));
      }),
    );
  }

  /** Makes the coming days of each log, and drops the old ones that every subscriber here has passed. */
  private async keepLogs(): Promise<void> {
    const hosted = [...this.hosted.values()];
    for (const { member, partitions, held } of hosted) {
      await held.forgetContents(this.settings.bus.retentionDays);
      await partitions.makeAhead(new Date());
      const listeners = hosted.filter(({ feeds }) => feeds.some(({ source }) => source === member.module));
      // Their own databases say how far they are, whichever instance consumes for them.
      const passed = await Promise.all(listeners.map(({ subscriptions }) => subscriptions.positionOf(member.module)));
      const lowest = Math.min(...passed.map((position) => position ?? 0));
      await partitions.dropOld(new Date(), this.settings.bus.retentionDays, lowest);
    }
  }

  private every(milliseconds: number, work: () => Promise<void>): void {
    const timer = setInterval(() => this.keepHouse(work), milliseconds);
    timer.unref();
    this.timers.push(timer);
  }

  private keepHouse(work: () => Promise<void>): void {
    const kept = work()
      .catch((error: Error) => this.log.warn(`Housekeeping of the bus must wait: ${error.message}`))
      .finally(() => this.keeping.delete(kept));
    this.keeping.add(kept);
  }
}

/** The topics of `source` that `subscriber` listens to. */
function sharedTopics(source: Member, subscriber: Member): Set<string> {
  const heard = new Set(subscriber.hears.map(({ topic }) => topic));
  return new Set(source.publishes.map(({ topic }) => topic).filter((topic) => heard.has(topic)));
}

/** A sentence for each party that an edge lacks in this app, and for each handler that Nest did not find. */
function incompleteEdges(members: readonly Member[], handlers: readonly RegisteredHandler[]): string[] {
  const problems: string[] = [];
  const published = new Set(members.flatMap(({ publishes }) => publishes.map(({ type }) => type)));
  const handled = new Set(handlers.map(({ subscription }) => `${subscription.subscriber} ${subscription.type}`));
  for (const { module, hears, publishes } of members) {
    for (const { type, kind } of hears) {
      if (!published.has(type))
        problems.push(`${module} hears ${type}, which nobody here ${kind === 'event' ? 'announces' : 'sends'}.`);
      if (!handled.has(`${module} ${type}`)) {
        problems.push(`${module} hears ${type}, but has no controller with @Handles for it.`);
      }
    }
    for (const { type, kind } of publishes) {
      const asked = moduleOf(type);
      if (
        kind === 'command' &&
        !members.some((member) => member.module === asked && member.hears.some((heard) => heard.type === type))
      ) {
        problems.push(`${module} sends ${type}, but ${asked} is not here to handle it.`);
      }
    }
  }
  return problems;
}
