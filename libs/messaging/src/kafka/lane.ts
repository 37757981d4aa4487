import { setTimeout as delay } from 'node:timers/promises';
import { Transaction } from '@banyan/persistence';
import { Consumer } from '../consumer';
import { OwnershipLost, SequenceBroken } from '../errors';
import { Arrival } from '../handlers';
import { Mischief } from '../mischief';
import { nameOf } from '../stream-memory';
import { Consumption, KafkaPositions, Place, Step } from './positions';

// As large as the batches of a feed in process.
const BATCH = 500;
const AWAY_FIRST_MS = 200;
const AWAY_MAX_MS = 5_000;

/** A record of this lane's source, at its offset. */
export interface Item {
  offset: number;
  arrival: Arrival;
}

/** What one partition brought for this lane's source. */
export interface Slice {
  place: Place;
  items: readonly Item[];
  /** Where the partition goes on after everything that it brought, and the id of what comes before that. */
  next: number;
  lastId: string | null;
}

/** The slice was not handled, or not to its end: its partition must be read again from the stored position. */
export class ReadAgain extends Error {}

interface Waiting extends Slice {
  done: number;
  resolve(): void;
  reject(error: Error): void;
}

/**
 * Consumes what one source sends over Kafka: batches made of what several partitions brought meanwhile, one after
 * another, each in one transaction with the positions of those partitions.
 */
export class Lane {
  private queue: Waiting[] = [];
  private working: Promise<void> | undefined;
  private leaving = new AbortController();
  /** Its subscriber's database, or what else it needs, is away; it tries again. */
  away = false;
  /** Streams that jumped, and are being read again. */
  private readonly broken = new Set<string>();
  /** By topic and partition, as stored. */
  readonly places = new Map<string, Place>();

  constructor(
    readonly source: string,
    private readonly consumer: Consumer,
    private readonly positions: KafkaPositions,
    private readonly mischief: Mischief<Arrival> | undefined,
    private readonly tell: (line: string) => void,
    /** Undefined while another transport carries this source. */
    public consumption: Consumption | undefined,
  ) {}

  /** Resolves once all of it has been handled or is held; throws ReadAgain. */
  async take(slice: Slice): Promise<void> {
    const taken = new Promise<void>((resolve, reject) => this.queue.push({ ...slice, done: 0, resolve, reject }));
    this.working ??= this.work();
    await taken;
  }

  /** Gives up what waits, and resolves once what is under way has come to its end. */
  async abandon(): Promise<void> {
    this.leaving.abort();
    for (const { reject } of this.queue.splice(0)) reject(new ReadAgain());
    await this.working;
    this.leaving = new AbortController();
    this.mischief?.forget();
  }

  private async work(): Promise<void> {
    while (this.queue.length > 0) {
      const batch = this.nextBatch();
      try {
        await this.handle(batch);
      } catch {
        this.mischief?.forget();
        for (const { slice } of batch) slice.reject(new ReadAgain());
        this.queue = this.queue.filter((waiting) => batch.every(({ slice }) => slice !== waiting));
      }
    }
    // At once, so that nobody who comes now waits for work that has ended.
    this.working = undefined;
  }

  /** Whole slices as far as they fit, and the beginning of one that is larger. */
  private nextBatch(): { slice: Waiting; items: readonly Item[]; step: Step }[] {
    const batch: { slice: Waiting; items: readonly Item[]; step: Step }[] = [];
    let room = BATCH;
    for (const slice of this.queue) {
      if (room === 0) break;
      const items = slice.items.slice(slice.done, slice.done + room);
      const { place } = slice;
      const last = items.at(-1);
      const whole = slice.done + items.length === slice.items.length || !last;
      const [next, lastId] = whole ? [slice.next, slice.lastId] : [last.offset + 1, last.arrival.at.id];
      const { topic, partition } = place;
      batch.push({ slice, items, step: { topic, partition, from: place.next, next, lastId } });
      room -= items.length;
    }
    return batch;
  }

  private async handle(batch: { slice: Waiting; items: readonly Item[]; step: Step }[]): Promise<void> {
    const arrivals = batch.flatMap(({ items }) => items.map(({ arrival }) => arrival));
    await this.consume(
      arrivals,
      batch.map(({ step }) => step),
    );
    for (const { slice, items, step } of batch) {
      Object.assign(slice.place, { next: step.next, lastId: step.lastId });
      slice.done += items.length;
      if (slice.done < slice.items.length) continue;
      this.queue = this.queue.filter((waiting) => waiting !== slice);
      slice.resolve();
    }
  }

  private async consume(arrivals: readonly Arrival[], steps: readonly Step[]): Promise<void> {
    const { signal } = this.leaving;
    const names = arrivals.map(({ at }) => nameOf(at));
    for (let failures = 0; ; failures += 1) {
      const { consumption } = this;
      if (!consumption || signal.aborted) throw new ReadAgain();
      try {
        await this.attempt(
          arrivals,
          steps,
          consumption,
          names.some((name) => this.broken.has(name)),
        );
        for (const name of names) this.broken.delete(name);
        this.away = false;
        return;
      } catch (error) {
        if (error instanceof OwnershipLost) {
          this.tell(error.message);
          this.consumption = undefined;
          throw new ReadAgain();
        }
        if (error instanceof SequenceBroken) {
          this.tell(`${error.message} Reading again.`);
          this.broken.add(nameOf(error.at));
          throw new ReadAgain();
        }
        this.away = true;
        if (failures === 0)
          this.tell(`waits: ${(error as Error).message || String((error as { code?: unknown }).code)}`);
        const pause = Math.min(AWAY_MAX_MS, AWAY_FIRST_MS * 2 ** failures);
        await delay(pause, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  private async attempt(
    arrivals: readonly Arrival[],
    steps: readonly Step[],
    consumption: Consumption,
    again: boolean,
  ): Promise<void> {
    const standing = steps.map((step) => ({ ...step, next: step.from }));
    const disturbed = this.mischief ? await this.mischief.disturb(arrivals) : arrivals;
    const advance = (tx: Transaction | undefined, whole: boolean) =>
      this.positions.move(consumption, whole ? steps : standing, tx);
    if (disturbed.length === 0) {
      if (!(await advance(undefined, true))) throw new OwnershipLost(this.consumer.module, this.source);
      return;
    }
    const { complete } = consumption;
    const jumps = again ? 'park' : 'refuse';
    await this.consumer.consume(disturbed, { source: this.source, complete, jumps, advance });
  }
}
