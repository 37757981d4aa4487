import { setTimeout as delay } from 'node:timers/promises';
import { Settings } from '@banyan/config';
import { Logger } from '@nestjs/common';
import { CustomTransportStrategy, MessageHandler, Server } from '@nestjs/microservices';
import { Bus, Carrier, EdgeState, Member } from './bus';
import { Consumer } from './consumer';
import { edgesOf, incompleteEdges } from './edges';
import { LoggedMessage } from './envelope';
import { EdgeIncomplete, TopicMismatch } from './errors';
import { Feed } from './feed';
import { HandlerExtras } from './handles';
import { Arrival, Handlers, RegisteredHandler } from './handlers';
import { HeldMessages } from './held-messages';
import { KafkaCluster, sharedLockOf } from './kafka/cluster';
import { Inlet } from './kafka/inlet';
import { KafkaPositions } from './kafka/positions';
import { Topic } from './kafka/topic';
import { Mischief } from './mischief';
import { OutboxPartitions } from './outbox-partitions';
import { Ownerships } from './ownership';
import { News, Presence } from './presence';
import { nameOf } from './stream-memory';
import { Subscriber } from './subscriber';

// A handler is given up before the server ends its transaction, so that it is the handler that is blamed and not the database.
const HANDLER_SHARE = 0.8;
const HOUR_MS = 3_600_000;
// How soon it is seen that another instance has died, or slept through its lease.
const WATCH_MS = 2_000;
// Of a lease, so that two renewals may fail.
const RENEWALS = 3;
// Less than an app may take to end.
const CLOSE_MS = 4_000;

/** Feeds whose destinations one table keeps. */
interface Lines {
  ownerships: Ownerships;
  /** By destination, as the table names it. */
  feeds: Map<string, Feed>;
}

/** Everything that runs for one module of this app. */
interface Hosted {
  member: Member;
  presence: Presence;
  held: HeldMessages;
  partitions: OutboxPartitions;
  /** From logs of this app to the module. */
  heard: Lines;
  /** From the module's log to topics of Kafka. */
  sent: Lines & { topics: Topic[] };
  /** What comes to the module over Kafka. */
  inlet: Inlet | undefined;
}

/**
 * The bus of an app, as a transport strategy of Nest. Each module's durable log is where its messages come from, and every
 * subscribing module consumes on its own: from the logs of this process, over Kafka, or both, as the settings place it.
 */
export class BusServer extends Server implements CustomTransportStrategy, Carrier {
  private readonly log = new Logger(BusServer.name);
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
    throw new Error('The bus has no events of its own.');
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
    const hosted = this.hosted.get(module);
    if (!hosted) return;
    const { heard, inlet } = hosted;
    const waiting = [...heard.feeds.values()].map((feed) => feed.caughtUp());
    if (inlet) waiting.push(this.caughtUpOverKafka(inlet));
    await Promise.all(waiting);
  }

  madeDue(module: string): void {
    this.hosted.get(module)?.held.wake();
  }

  edges(): EdgeState[] {
    return [...this.hosted.values()].flatMap(({ heard, sent, inlet }) => [
      ...[...heard.feeds.values(), ...sent.feeds.values()].map(({ source, destination: subscriber, state }) => ({
        ...{ source, subscriber, state },
      })),
      ...(inlet ? inlet.edges().map((edge) => ({ ...edge, subscriber: inlet.subscriber })) : []),
    ]);
  }

  /** What this app itself has yet to send belongs to what waits for the module. */
  private async caughtUpOverKafka(inlet: Inlet): Promise<void> {
    const sending = [...this.hosted.values()].flatMap(({ sent }) => [...sent.feeds.values()]);
    await Promise.all(sending.map((feed) => feed.caughtUp()));
    await inlet.caughtUp();
  }

  private async end(): Promise<void> {
    const hosted = [...this.hosted.values()];
    await Promise.all(
      hosted.flatMap(({ heard, held, inlet }) => [...stopAll(heard), held.stop(), ...(inlet ? [inlet.stop()] : [])]),
    );
    // After those who handle, since what they have sent may still go out.
    await Promise.all(hosted.flatMap(({ sent }) => stopAll(sent)));
    await Promise.all(hosted.flatMap(({ sent }) => sent.topics.map((topic) => topic.close())));
    await Promise.all(hosted.map(({ presence }) => presence.end()));
    await Promise.all(this.keeping);
  }

  private async begin(): Promise<void> {
    const { bus } = this.settings;
    const members = [...this.bus.members.values()];
    const problems = incompleteEdges(members, this.registered, bus.transport);
    if (problems.length > 0) throw new EdgeIncomplete(bus.transport, problems);
    const cluster = bus.transport === 'in-process' ? undefined : new KafkaCluster(bus);
    if (cluster) await this.checkTopics(cluster);
    this.hosted = new Map(members.map((member) => [member.module, this.host(member, cluster)]));
    await Promise.all([...this.hosted.values()].map(({ presence }) => presence.begin()));
    this.bus.connect(this);
    for (const { heard, sent, held, inlet } of this.hosted.values()) {
      for (const feed of [...heard.feeds.values(), ...sent.feeds.values()]) feed.start();
      inlet?.start();
      held.start();
    }
    this.every(bus.leaseMs / RENEWALS, () => this.renew());
    this.every(WATCH_MS, () => this.watchOthers());
    this.every(HOUR_MS, () => this.keepLogs());
    this.keepHouse(() => this.keepLogs());
  }

  /** Makes the topics while the app starts, so that wrong ones are seen; brokers that are away are waited for later. */
  private async checkTopics(cluster: KafkaCluster): Promise<void> {
    const { members } = this.bus;
    const edges = [...members.values()].map((member) => edgesOf(member, members, this.settings.bus));
    try {
      await cluster.ensureTopics(new Set(edges.flatMap((edge) => [...edge.heardOverKafka, ...edge.sentOverKafka])));
    } catch (error) {
      if (error instanceof TopicMismatch) throw error;
      this.log.warn(`Kafka is away (${(error as Error).message}); what is for it is kept until it comes.`);
    }
  }

  private host(member: Member, cluster: KafkaCluster | undefined): Hosted {
    const { module, database } = member;
    const { retry, leaseMs } = this.settings.bus;
    const { inProcess, heardOverKafka, sentOverKafka } = edgesOf(member, this.bus.members, this.settings.bus);
    const mine = this.registered.filter(({ subscription }) => subscription.subscriber === module);
    const handlers = new Handlers(mine, database.transactionTimeoutMs * HANDLER_SHARE);
    const held = new HeldMessages(module, database, handlers, retry);
    const consumer = new Consumer(module, database, handlers, held, retry);
    const sharedLock = heardOverKafka.size > 0 ? sharedLockOf(module) : undefined;
    const presence = new Presence(database, (news) => this.hear(module, news), sharedLock);
    const heard: Lines = { ownerships: Ownerships.ofSubscriber(database, presence, leaseMs), feeds: new Map() };
    for (const [name, topics] of inProcess) {
      const source = this.bus.members.get(name) as Member;
      const parts = { source: name, consumer, ownerships: heard.ownerships, topics, mischief: this.mischief() };
      const lost = () => this.tellPublished(name);
      heard.feeds.set(name, new Feed({ source, destination: new Subscriber(parts), lost }));
    }
    const sent: Hosted['sent'] = {
      ownerships: Ownerships.ofTopics(database, presence, leaseMs),
      feeds: new Map(),
      topics: [],
    };
    let inlet: Inlet | undefined;
    if (cluster) {
      for (const topic of sentOverKafka) {
        const destination = new Topic({ module, database, topic, cluster, ownerships: sent.ownerships });
        sent.topics.push(destination);
        sent.feeds.set(topic, new Feed({ source: member, destination, lost: () => this.tellPublished(module) }));
      }
      if (sharedLock !== undefined) {
        const positions = new KafkaPositions(database, sharedLock, leaseMs);
        const mischief = () => this.mischief();
        const sources = new Set(inProcess.keys());
        inlet = new Inlet({
          ...{ consumer, topics: heardOverKafka, inProcess: sources, cluster, positions, mischief },
          dead: giveUp,
        });
      }
    }
    return { member, presence, held, partitions: new OutboxPartitions(database), heard, sent, inlet };
  }

  private mischief(): Mischief<Arrival> | undefined {
    const { mischief } = this.settings.bus;
    return mischief ? new Mischief<Arrival>(mischief, ({ at }) => nameOf(at)) : undefined;
  }

  private feeds(): Feed[] {
    return [...this.hosted.values()].flatMap(({ heard, sent }) => [...heard.feeds.values(), ...sent.feeds.values()]);
  }

  private feedsFrom(source: string): Feed[] {
    return this.feeds().filter((feed) => feed.source === source);
  }

  private tellPublished(module: string): void {
    this.hosted.get(module)?.presence.tellPublished();
  }

  /** A publisher's news is for those who read its log; that an instance left, for all that it may have owned or sent. */
  private hear(module: string, news: News): void {
    for (const feed of this.feedsFrom(module)) feed.hear('published');
    const hosted = this.hosted.get(module);
    if (news === 'published' || !hosted) return;
    for (const feed of [...hosted.heard.feeds.values(), ...hosted.sent.feeds.values()]) feed.hear('left');
    this.keepHouse(async () => void (await hosted.inlet?.watch()));
  }

  private async watchOthers(): Promise<void> {
    let isGone = false;
    for (const { heard, sent, inlet } of this.hosted.values()) {
      for (const { ownerships, feeds } of [heard, sent]) {
        if (![...feeds.values()].some(({ state }) => state === 'waiting')) continue;
        for (const destination of await ownerships.vacant()) {
          feeds.get(destination)?.hear('left');
          isGone = true;
        }
      }
      if (await inlet?.watch()) isGone = true;
    }
    // Where it carried everything itself, it told nobody of what it published.
    if (isGone) for (const feed of this.feeds()) feed.hear('published');
  }

  private async renew(): Promise<void> {
    await Promise.all(
      [...this.hosted.values()].map(async ({ heard, sent, inlet }) => {
        for (const { ownerships, feeds } of [heard, sent]) {
          if (feeds.size === 0) continue;
          const epochs = await ownerships.renew();
          for (const [destination, feed] of feeds) feed.confirm(epochs.get(destination));
        }
        await inlet?.renew();
      }),
    );
  }

  /** Makes the coming days of each log, and drops the old ones that every destination served here has passed. */
  private async keepLogs(): Promise<void> {
    const hosted = [...this.hosted.values()];
    for (const { member, partitions, held, sent } of hosted) {
      await held.forgetContents(this.settings.bus.retentionDays);
      await partitions.makeAhead(new Date());
      const listeners = hosted.filter(({ heard }) => heard.feeds.has(member.module));
      // Their own databases say how far they are, whichever instance carries to them.
      const passed = await Promise.all([
        ...listeners.map(({ heard }) => heard.ownerships.positionOf(member.module)),
        ...[...sent.feeds.keys()].map((topic) => sent.ownerships.positionOf(topic)),
      ]);
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

const stopAll = ({ feeds }: Lines): Promise<void>[] => [...feeds.values()].map((feed) => feed.stop());

/** Another process can begin anew where this one cannot go on; whoever runs it starts it again. */
function giveUp(reason: string): void {
  process.stderr.write(`${reason} This process ends, to be started again.\n`);
  process.exit(1);
}
