import { Attributes } from './envelope';

/** Thrown by a handler: trying again cannot help. The message is parked at once. */
export class PermanentError extends Error {
  readonly code: string = 'permanent-error';
}

/** Thrown by a handler: what it depends on is away. The message waits, and the attempt does not count. */
export class DependencyAway extends Error {
  readonly code = 'dependency-away';
}

/** A message was published where no transaction is open, so nothing could say when, or whether, it is sent. */
export class PublishedOutsideTransaction extends Error {
  readonly code = 'published-outside-transaction';
  constructor(types: string[]) {
    super(
      `${types.join(', ')} published outside an open transaction; publish inside database.transaction(…), and await it.`,
    );
  }
}

/** A module published in the transaction of another, whose log would have taken the message for its own. */
export class PublishedForAnother extends Error {
  readonly code = 'published-for-another';
  constructor(publisher: string, owner: string) {
    super(`The outbox of ${publisher} was given a transaction of ${owner}; a module publishes with its own data only.`);
  }
}

/** A handler published without saying which message it answers; in a batch nothing else could tell. */
export class CauseMissing extends Error {
  readonly code = 'cause-missing';
  constructor(type: string) {
    super(`${type} was published inside a handler without its cause; pass the received message as second argument.`);
  }
}

/** What was to be published breaks its own schema. */
export class UnpublishableMessage extends Error {
  readonly code = 'unpublishable-message';
  constructor(type: string, detail: string) {
    super(`${type} does not fit its schema: ${detail}`);
  }
}

/** Another instance consumes now, or the subscriber was put back: nothing that this one still does may take effect. */
export class OwnershipLost extends Error {
  readonly code = 'ownership-lost';
  constructor(subscriber: string, source: string) {
    super(`Another instance consumes ${source} for ${subscriber}, or ${subscriber} was put back.`);
  }
}

/** A stream jumped: the subscriber has not seen what came before this message. */
export class SequenceBroken extends Error {
  readonly code = 'sequence-broken';
  constructor(
    readonly at: Pick<Attributes, 'type' | 'topic' | 'key' | 'sequence'>,
    readonly seen: number,
  ) {
    super(`${at.topic}/${at.key} jumps from ${seen} to ${at.sequence} (${at.type}).`);
  }
}

/** A handler took longer than a transaction may. */
export class HandlerTimedOut extends Error {
  readonly code = 'handler-timed-out';
  constructor(milliseconds: number) {
    super(`The handler had not finished after ${milliseconds} ms.`);
  }
}

/** No such message is held: it was handled, discarded, or never failed. */
export class ParkedMessageNotFound extends Error {
  readonly code = 'parked-message-not-found';
  constructor(id: string) {
    super(`No message ${id} is held: it has been handled or discarded since, or never failed here.`);
  }
}

/** The message is held, but tried again already, or waits behind another one; nothing is there to decide. */
export class MessageNotParked extends Error {
  readonly code = 'message-not-parked';
  constructor(id: string, state: string) {
    super(`The message ${id} is not parked but ${state}.`);
  }
}

/** The subscriber could not read the message with this content. */
export class ContentRefused extends Error {
  readonly code = 'content-refused';
  constructor(detail: string) {
    super(`This content would not help: ${detail}.`);
  }
}

/** Nobody can be put back who never began. */
export class NeverSubscribed extends Error {
  readonly code = 'never-subscribed';
  constructor(subscriber: string, source: string) {
    super(`${subscriber} has never consumed anything of ${source}, so there is nothing to go back on.`);
  }
}

/** A subscriber cannot be imported where it has a position and a memory already. */
export class SubscriberIsHere extends Error {
  readonly code = 'subscriber-is-here';
  constructor(subscriber: string, source: string) {
    super(`${subscriber} consumes ${source} in this database already; export it from here, or import it elsewhere.`);
  }
}

/** A replay goes back; going forward would skip what was never handled. */
export class ReplayForward extends Error {
  readonly code = 'replay-forward';
  constructor(current: number, wanted: number) {
    super(`The subscriber is at ${current}, and ${wanted} lies ahead of it: what is between would never be handled.`);
  }
}

/** What the source sends to the subscriber are commands, and nobody has insisted. */
export class CommandsNotReplayed extends Error {
  readonly code = 'commands-not-replayed';
  constructor(subscriber: string, source: string) {
    super(
      `What ${source} sends to ${subscriber} are commands: a replay would ask for everything again, and its answers would ` +
        'go out again. Force it only where every handler answers a repeated command as it did the first time.',
    );
  }
}

/** The bus was stopped while somebody waited for it. */
export class BusStopped extends Error {
  readonly code = 'bus-stopped';
  constructor() {
    super('The bus has stopped.');
  }
}

/** The app cannot run as configured; the message names each missing party. */
export class EdgeIncomplete extends Error {
  readonly code = 'edge-incomplete';
  constructor(transport: string, problems: string[]) {
    super(
      `EVENT_TRANSPORT=${transport} cannot carry every message of this app. ${problems.join(' ')} ` +
        (transport === 'in-process'
          ? 'Host the missing modules here, or use EVENT_TRANSPORT=kafka with KAFKA_BROKERS.'
          : ''),
    );
  }
}

/** A topic is there, but not as configured: with another number of partitions its streams would change places. */
export class TopicMismatch extends Error {
  readonly code = 'topic-mismatch';
  constructor(topic: string, found: number, wanted: number) {
    super(
      `The topic ${topic} has ${found} partitions and KAFKA_PARTITIONS asks for ${wanted}. Set KAFKA_PARTITIONS=${found}, or ` +
        'see docs/adr on topics for what changing the number takes.',
    );
  }
}
