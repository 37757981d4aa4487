import { Consumer } from './consumer';
import { attributesInLog, encode, LoggedMessage, MalformedMessage, readAttributes } from './envelope';
import { OwnershipLost } from './errors';
import { Destination } from './feed';
import { Arrival } from './handlers';
import { Mischief } from './mischief';
import { Ownership, Ownerships } from './ownership';

export interface SubscriberParts {
  /** The module that the messages come from. */
  source: string;
  consumer: Consumer;
  ownerships: Ownerships;
  topics: ReadonlySet<string>;
  mischief: Mischief<Arrival> | undefined;
}

/** A module of this process, as the destination of another's log. */
export class Subscriber implements Destination {
  constructor(private readonly parts: SubscriberParts) {}

  get name(): string {
    return this.parts.consumer.module;
  }

  get topics(): ReadonlySet<string> {
    return this.parts.topics;
  }

  take(begin: { position: number; complete: boolean }): Promise<Ownership | undefined> {
    return this.parts.ownerships.take(this.parts.source, this.topics, begin);
  }

  position(): Promise<number | undefined> {
    return this.parts.ownerships.positionOf(this.parts.source);
  }

  async carry(batch: readonly LoggedMessage[], owned: Ownership, settled: number, again: boolean): Promise<number> {
    const { source, consumer, ownerships, mischief } = this.parts;
    let arrivals = batch.map((message) => this.arrive(message));
    if (mischief) arrivals = await mischief.disturb(arrivals);
    await consumer.consume(arrivals, {
      source,
      complete: owned.complete,
      // The log itself is the witness: what is missing there too must wait for a person.
      jumps: again ? 'park' : 'refuse',
      advance: (tx, whole) => ownerships.move(owned, whole ? settled : 0, tx),
    });
    return settled;
  }

  async keep(owned: Ownership, position: number): Promise<void> {
    const ours = await this.parts.ownerships.move(owned, position);
    if (!ours) throw new OwnershipLost(this.name, this.parts.source);
  }

  rewound(): void {
    this.parts.mischief?.forget();
  }

  private arrive(message: LoggedMessage): Arrival {
    const record = encode(this.parts.source, message);
    try {
      return { at: readAttributes(record), record };
    } catch (error) {
      if (!(error instanceof MalformedMessage)) throw error;
      return { at: attributesInLog(this.parts.source, message), record, flaw: error };
    }
  }
}
