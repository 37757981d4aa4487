import { setTimeout as delay } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { Batch, Consumer as KafkaConsumer, EachBatchPayload } from 'kafkajs';
import { Consumer } from '../consumer';
import { isOfCommands } from '../definitions';
import { BusStopped } from '../errors';
import { FeedState } from '../feed';
import { Arrival } from '../handlers';
import { Mischief } from '../mischief';
import { KafkaCluster, Extent } from './cluster';
import { Item, Lane } from './lane';
import { KafkaPositions, Place, StoredPlace } from './positions';
import { fromKafka, sourceOf } from './records';

const AWAY_FIRST_MS = 200;
const AWAY_MAX_MS = 5_000;
// A consumer fetches every second when nothing comes; one that has not for this long is dead, whatever it says.
const SILENT_MS = 30_000;
const WATCH_MS = 2_000;
// Of use to people and their tools only.
const DISPLAY_MS = 5_000;
// A consumer that cannot even be stopped, when all that it waits for must have answered or timed out, is in a state that
// nobody knows.
const STOP_MS = 60_000;
const BEAT_MS = 500;
const FOLLOW_MS = 100;
/**
 * After the brokers were away, what publishers had to keep meanwhile has yet to come: they try again within five seconds
 * at most. Nobody may take the end of a topic for the end of the story before that.
 */
const SETTLE_MS = 10_000;

export interface InletParts {
  consumer: Consumer;
  /** What the module hears over Kafka. */
  topics: ReadonlySet<string>;
  /** Sources whose logs it hears in this app: all that is in Kafka of theirs is in their logs, and nobody adds to it here. */
  inProcess: ReadonlySet<string>;
  cluster: KafkaCluster;
  positions: KafkaPositions;
  mischief(): Mischief<Arrival> | undefined;
  /** Called where a consumer neither works nor ends. */
  dead(reason: string): void;
}

interface Assigned {
  topic: string;
  partition: number;
  low: number;
  /** What is to be compared with the first record that comes, by source. */
  unverified: Place[];
}

/** Brings a module what it hears over Kafka: one consumer, whatever the number of topics, and a lane per source. */
export class Inlet {
  private readonly logger: Logger;
  private readonly lanes = new Map<string, Lane>();
  private stopping = new AbortController();
  private finished: Promise<void> | undefined;
  private current: FeedState = 'stopped';
  private running: KafkaConsumer | undefined;
  private assigned = new Map<string, Assigned>();
  private assigning: Promise<void> = Promise.resolve();
  private complete = false;
  private shown = new Map<string, number>();
  /** By partition, the offset that was wanted and did not come. */
  private readonly missed = new Map<string, number>();
  /** Of sources that have just been heard of for the first time. */
  private readonly joining = new Map<string, Promise<unknown>>();
  private troubledAt = -Infinity;
  private fetchedAt = 0;
  private busy = 0;
  private rereading = false;
  /** Ends the consumer that runs. */
  private trouble: (error: Error) => void = () => undefined;

  constructor(private readonly parts: InletParts) {
    this.logger = new Logger(`kafka → ${parts.consumer.module}`);
  }

  get subscriber(): string {
    return this.parts.consumer.module;
  }

  /** What each source is like from here. */
  edges(): { source: string; state: FeedState }[] {
    return [...this.lanes.values()].map(({ source, consumption, away }) => {
      if (this.current !== 'running') return { source, state: this.current };
      return { source, state: away ? 'away' : consumption ? 'running' : 'waiting' };
    });
  }

  start(): void {
    for (const topic of this.parts.topics) if (!isOfCommands(topic)) this.laneOf(sourceOf(topic));
    this.finished = this.run();
  }

  /** Finishes the batches under way, and leaves the group. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.finished;
  }

  /** Says that it is still there, and begins again what was put back or taken over by another transport. */
  async renew(): Promise<void> {
    const ours = [...this.lanes.values()].filter(({ consumption }) => consumption);
    if (ours.length === 0) return;
    const epochs = await this.parts.positions.renew(ours.map(({ source }) => source));
    for (const lane of ours) {
      if (lane.consumption && epochs.get(lane.source) !== lane.consumption.epoch) await this.lose(lane);
    }
  }

  /** Takes part in the sources that another transport has let go; answers whether there were any. */
  async watch(): Promise<boolean> {
    if (this.current !== 'running') return false;
    let joined = false;
    for (const lane of this.lanes.values()) {
      if (lane.consumption || !(await this.join(lane))) continue;
      joined = true;
      this.readAgain();
    }
    return joined;
  }

  /** Resolves once everything that the topics held when it was called has been handled, or is held, by whoever consumes. */
  async caughtUp(): Promise<void> {
    const { cluster, topics } = this.parts;
    const ends = await this.untilAnswered(async () => {
      if (Date.now() - this.troubledAt < SETTLE_MS) throw new Error('the brokers have only just come back');
      return cluster.extentOf(topics);
    });
    for (;;) {
      const places = await this.untilAnswered(() => this.parts.positions.load());
      if (this.isPast(ends, places)) return;
      await this.pause(FOLLOW_MS);
    }
  }

  private isPast(ends: Map<string, Extent[]>, places: readonly StoredPlace[]): boolean {
    for (const [topic, partitions] of ends) {
      for (const [partition, { low, high }] of partitions.entries()) {
        if (high === low) continue;
        const here = places.filter((place) => place.topic === topic && place.partition === partition);
        if (here.length === 0 || here.some(({ overKafka, next }) => overKafka && next < high)) return false;
      }
    }
    return true;
  }

  private async untilAnswered<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
    for (let failures = 0; ; failures += 1) {
      try {
        return await ask();
      } catch {
        await this.pause(Math.min(AWAY_MAX_MS, AWAY_FIRST_MS * 2 ** failures));
      }
    }
  }

  private async pause(milliseconds: number): Promise<void> {
    const { signal } = this.stopping;
    await delay(milliseconds, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) throw new BusStopped();
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    let failures = 0;
    while (!signal.aborted) {
      try {
        await this.parts.cluster.ensureTopics(this.parts.topics);
        await this.consumeUntilTrouble(() => (failures = 0));
      } catch (error) {
        if (signal.aborted) break;
        this.current = 'away';
        failures += 1;
        // A group that nobody has asked for yet is looked up first; that says nothing of what publishers could send.
        if (!isNewGroup(error)) this.troubledAt = Date.now();
        this.complain((error as Error).message, failures === 1);
        const pause = Math.min(AWAY_MAX_MS, AWAY_FIRST_MS * 2 ** failures);
        await delay(pause, undefined, { signal }).catch(() => undefined);
      }
    }
    this.current = 'stopped';
  }

  /** Once, as long as it goes on. */
  private complain(message: string, isNew: boolean): void {
    if (isNew) this.logger.warn(`waits: ${message}`);
    else this.logger.debug(`still waits: ${message}`);
  }

  /** Runs one consumer to its end; throws what ended it. */
  private async consumeUntilTrouble(works: () => void): Promise<void> {
    const consumer = this.parts.cluster.consumer(this.subscriber);
    const { signal } = this.stopping;
    let stop: () => void = () => undefined;
    const ended = new Promise<void>((resolve, reject) => ([stop, this.trouble] = [resolve, reject]));
    ended.catch(() => undefined);
    signal.addEventListener('abort', stop, { once: true });
    this.rereading = false;
    consumer.on(consumer.events.CRASH, ({ payload }) => this.trouble(payload.error));
    consumer.on(consumer.events.FETCH, () => (this.fetchedAt = Date.now()));
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      this.assigning = this.assign(consumer, payload.memberAssignment).then(works);
      this.assigning.catch((error: Error) => this.trouble(error));
    });
    this.fetchedAt = Date.now();
    const timers = [
      setInterval(() => {
        const silence = Date.now() - this.fetchedAt;
        if (this.busy === 0 && silence > SILENT_MS) this.trouble(new Error(`it has not fetched for ${silence} ms`));
      }, WATCH_MS),
      setInterval(() => void this.display(consumer).catch(() => undefined), DISPLAY_MS),
    ];
    try {
      // What hangs while it begins is trouble, too.
      await Promise.race([this.begin(consumer), ended]);
      await ended;
      await this.display(consumer).catch(() => undefined);
    } finally {
      timers.forEach(clearInterval);
      signal.removeEventListener('abort', stop);
      this.running = undefined;
      await Promise.all([this.end(consumer), ...[...this.lanes.values()].map((lane) => lane.abandon())]);
    }
  }

  private async begin(consumer: KafkaConsumer): Promise<void> {
    const { cluster, topics } = this.parts;
    await consumer.connect();
    // Where Kafka knows no offset of ours that counts for nothing, since the stored positions do; but never the end.
    await consumer.subscribe({ topics: [...topics].map((topic) => cluster.nameOf(topic)), fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      // All of them: whatever a fetch brings goes into few transactions.
      partitionsConsumedConcurrently: topics.size * cluster.partitions,
      eachBatch: (payload) => this.bring(consumer, payload),
    });
  }

  private async end(consumer: KafkaConsumer): Promise<void> {
    const patience = new AbortController();
    const late = delay(STOP_MS, 'late', { signal: patience.signal, ref: false }).catch(() => undefined);
    const ended = await Promise.race([consumer.disconnect().catch(() => undefined), late]);
    patience.abort();
    if (ended === 'late' && !this.stopping.signal.aborted) {
      this.parts.dead(`A consumer of ${this.subscriber} neither works nor ends.`);
    }
  }

  /** Begins with what the group gave this instance: where the database says, and never where Kafka believes. */
  private async assign(consumer: KafkaConsumer, given: Record<string, number[]>): Promise<void> {
    const { cluster, topics } = this.parts;
    this.running = consumer;
    await Promise.all([...this.lanes.values()].map((lane) => lane.abandon()));
    const extents = await cluster.extentOf(topics);
    this.complete = [...extents.values()].flat().every(({ low }) => low === 0);
    this.assigned = new Map();
    for (const [name, partitions] of Object.entries(given)) {
      const topic = cluster.topicOf(name);
      for (const partition of partitions) {
        const low = extents.get(topic)?.[partition]?.low ?? 0;
        this.assigned.set(`${topic}/${partition}`, { topic, partition, low, unverified: [] });
      }
    }
    await this.position(consumer, extents);
    this.current = 'running';
  }

  /** Loads the stored positions, and has the consumer read on from them. */
  private async position(consumer: KafkaConsumer, extents?: Map<string, Extent[]>): Promise<void> {
    const { cluster, positions } = this.parts;
    for (const lane of this.lanes.values()) {
      if (!lane.consumption) await this.join(lane);
      lane.places.clear();
    }
    for (const { source, ...place } of await positions.load()) {
      const name = `${place.topic}/${place.partition}`;
      const assigned = this.assigned.get(name);
      if (!assigned) continue;
      const high = extents?.get(place.topic)?.[place.partition]?.high ?? Infinity;
      if (place.next > high) {
        this.logger.warn(`${name} ends at ${high} and we were at ${place.next}: it is another one now. Reads it all.`);
        await positions.startOver(place.topic, place.partition, assigned.low);
        Object.assign(place, { next: assigned.low, lastId: null });
      }
      this.laneOf(source).places.set(name, place);
      if (extents && place.lastId !== null && place.next > assigned.low) assigned.unverified.push({ ...place });
    }
    for (const [name, { topic, partition, low, unverified }] of this.assigned) {
      const known = [...this.lanes.values()].flatMap((lane) => {
        const place = lane.consumption ? lane.places.get(name) : undefined;
        return place ? [place.next] : [];
      });
      // The record before the position comes with it, to be recognised.
      const from = Math.min(...(known.length > 0 ? known : [low]), ...unverified.map(({ next }) => next - 1));
      consumer.seek({ topic: cluster.nameOf(topic), partition, offset: String(Math.max(low, from)) });
    }
  }

  private async bring(consumer: KafkaConsumer, { batch, heartbeat, isRunning, isStale, ...payload }: EachBatchPayload) {
    this.busy += 1;
    try {
      await beating(this.assigning, heartbeat);
      if (!isRunning() || isStale() || this.running !== consumer) return;
      const topic = this.parts.cluster.topicOf(batch.topic);
      const assigned = this.assigned.get(`${topic}/${batch.partition}`);
      if (!assigned) return;
      if (!(await this.recognise(assigned, batch))) return;
      const read = await beating(this.handle(topic, batch), heartbeat);
      if (read) payload.resolveOffset(batch.lastOffset());
      else this.readAgain();
      await heartbeat();
    } finally {
      this.busy -= 1;
      this.fetchedAt = Date.now();
    }
  }

  /** Whether the partition is the one that our positions speak of; where not, it is read from its beginning. */
  private async recognise(assigned: Assigned, { messages }: Batch): Promise<boolean> {
    const { topic, partition, low } = assigned;
    for (const { next, lastId } of assigned.unverified) {
      const before = messages.find(({ offset }) => Number(offset) === next - 1);
      if (!before || fromKafka({ topic, partition, message: before }).at.id === lastId) continue;
      this.logger.warn(`${topic}/${partition} has another record at ${next - 1}: it is another one now. Reads it all.`);
      assigned.unverified = [];
      await this.parts.positions.startOver(topic, partition, low);
      this.readAgain();
      return false;
    }
    assigned.unverified = [];
    return true;
  }

  /** Whether all of the batch that concerns us was handled; false where it must be read again. */
  private async handle(topic: string, { partition, messages }: Batch): Promise<boolean> {
    const name = `${topic}/${partition}`;
    const bySource = new Map<string, Item[]>();
    let lastId: string | null = null;
    for (const message of messages) {
      const arrival = fromKafka({ topic, partition, message });
      lastId = arrival.at.id;
      const items = bySource.get(arrival.at.source) ?? [];
      items.push({ offset: Number(message.offset), arrival });
      bySource.set(arrival.at.source, items);
    }
    const next = Number(messages.at(-1)?.offset) + 1;
    for (const [source, items] of bySource) await this.hearFrom(source, topic, partition, items);
    if (this.leavesOut(name, Number(messages[0]?.offset))) return false;
    const taken = await Promise.allSettled(
      [...this.lanes.values()].map(async (lane) => {
        const place = lane.places.get(name);
        if (!lane.consumption || !place) return;
        const items = (bySource.get(lane.source) ?? []).filter(({ offset }) => offset >= place.next);
        // Of those who had nothing to say here, the position follows all the same.
        if (items.length > 0 || place.next < next) await lane.take({ place, items, next, lastId });
      }),
    );
    if (taken.some(({ status }) => status === 'rejected')) return false;
    this.shown.set(name, next);
    return true;
  }

  /**
   * A source that speaks for the first time here begins with what it says, also where another transport carries it now. One
   * that another transport has let go meanwhile must wait for `watch`, which reads again what was passed over.
   */
  private async hearFrom(source: string, topic: string, partition: number, items: readonly Item[]): Promise<void> {
    const name = `${topic}/${partition}`;
    const isNew = !this.lanes.has(source);
    const lane = this.laneOf(source);
    if (isNew)
      this.joining.set(
        source,
        this.join(lane).finally(() => this.joining.delete(source)),
      );
    // Several partitions may hear of it at once: passed over meanwhile, what they brought would not come again.
    await this.joining.get(source);
    if (lane.places.has(name)) return;
    const next = items[0]?.offset ?? 0;
    await this.parts.positions.begin(lane.source, topic, [partition], next);
    lane.places.set(name, { topic, partition, next, lastId: null });
  }

  /**
   * Whether what comes begins behind what a lane wants next, so that it must be read again. Once only for a place: what is
   * not there then either, its topic has dropped.
   */
  private leavesOut(name: string, first: number): boolean {
    for (const { consumption, places } of this.lanes.values()) {
      const place = consumption && places.get(name);
      if (!place || place.next >= first || this.missed.get(name) === place.next) continue;
      this.missed.set(name, place.next);
      return true;
    }
    this.missed.delete(name);
    return false;
  }

  private laneOf(source: string): Lane {
    let lane = this.lanes.get(source);
    if (!lane) {
      const { consumer, positions, mischief } = this.parts;
      const tell = (line: string) => this.logger.warn(`${source}: ${line}`);
      lane = new Lane(source, consumer, positions, mischief(), tell, undefined);
      this.lanes.set(source, lane);
    }
    return lane;
  }

  private async join(lane: Lane): Promise<boolean> {
    const { positions, topics, inProcess } = this.parts;
    // Held by us it would keep their feed away for ever, and nothing of it would come.
    if (inProcess.has(lane.source)) return false;
    const from = [...topics].filter((topic) => isOfCommands(topic) || sourceOf(topic) === lane.source);
    lane.consumption = await positions.join(lane.source, from, this.complete);
    return lane.consumption !== undefined;
  }

  private async lose(lane: Lane): Promise<void> {
    this.logger.warn(`${lane.source} is consumed by another transport now, or was put back.`);
    lane.consumption = undefined;
    await lane.abandon();
    if (await this.join(lane)) this.readAgain();
  }

  /** Has all partitions read again from the stored positions: once, for all that ask for it before it begins. */
  private readAgain(): void {
    const consumer = this.running;
    if (!consumer || this.rereading) return;
    this.rereading = true;
    this.assigning = this.assigning.then(async () => {
      if (this.running === consumer) await Promise.all([...this.lanes.values()].map((lane) => lane.abandon()));
      this.rereading = false;
      if (this.running === consumer) await this.position(consumer);
    });
    this.assigning.catch((error: Error) => this.trouble(error));
  }

  private async display(consumer: KafkaConsumer): Promise<void> {
    if (this.shown.size === 0) return;
    const offsets = [...this.shown].map(([name, next]) => {
      const at = name.lastIndexOf('/');
      const topic = this.parts.cluster.nameOf(name.slice(0, at));
      return { topic, partition: Number(name.slice(at + 1)), offset: String(next) };
    });
    this.shown.clear();
    await consumer.commitOffsets(offsets);
  }
}

function isNewGroup(error: unknown): boolean {
  const type = (error as { type?: unknown }).type ?? (error as { cause?: { type?: unknown } }).cause?.type;
  return type === 'GROUP_LOAD_IN_PROGRESS' || type === 'COORDINATOR_LOAD_IN_PROGRESS';
}

/** Waits for the work, telling the group meanwhile that we are alive. Throws what the group says to that. */
async function beating<Result>(work: Promise<Result>, heartbeat: () => Promise<void>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const expelled = new Promise<never>((_, reject) => {
    timer = setInterval(() => void heartbeat().catch(reject), BEAT_MS);
  });
  // Whichever loses the race may still reject; nobody is left to hear it.
  expelled.catch(() => undefined);
  work.catch(() => undefined);
  try {
    return await Promise.race([work, expelled]);
  } finally {
    clearInterval(timer);
  }
}
