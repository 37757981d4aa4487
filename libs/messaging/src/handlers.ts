import { performance } from 'node:perf_hooks';
import { inJourney } from '@banyan/telemetry';
import { Transaction } from '@banyan/persistence';
import { isObservable, lastValueFrom } from 'rxjs';
import { Subscription } from './definitions';
import { MalformedMessage, readContent, ReceivedMessage, WireRecord, Attributes } from './envelope';
import { HandlerTimedOut } from './errors';
import { handling } from './outbox';
import { nameOf } from './stream-memory';

/** What a handler works with besides its messages. */
export interface Handling {
  /** Commits the handler's effects together with the memory that the messages were handled. */
  tx: Transaction;
}

export interface HandlerOptions {
  /** Handled even where its stream is held; what waits there is scrubbed and discarded first. For erasures. */
  overtakes?: boolean;
}

/** A handler as registered with the transport. */
export interface RegisteredHandler extends HandlerOptions {
  subscription: Subscription;
  /** The same for all wire names that one method handles: it may get them in one batch. */
  method: symbol;
  call(messages: ReceivedMessage[], handling: Handling): unknown;
}

/** A record that has arrived, its envelope read. */
export interface Arrival {
  at: Attributes;
  record: WireRecord;
  /** Why it cannot be handled, where that shows before its content is looked at. */
  flaw?: MalformedMessage;
  /** It comes from a log whose beginning was gone, so that a stream may begin with it whatever its sequence. */
  beginsLate?: boolean;
}

/** The handlers of one subscribing module, by wire name. */
export class Handlers {
  private readonly byType = new Map<string, RegisteredHandler>();

  constructor(
    handlers: readonly RegisteredHandler[],
    /** Longest that the handlers of a batch may work on it, all together, in milliseconds. */
    private readonly timeoutMs: number,
  ) {
    for (const handler of handlers) this.byType.set(handler.subscription.type, handler);
  }

  find(type: string): RegisteredHandler | undefined {
    return this.byType.get(type);
  }

  /** Checks the content against the subscriber's schema. Throws MalformedMessage. */
  read(arrival: Arrival): ReceivedMessage {
    if (arrival.flaw) throw arrival.flaw;
    const handler = this.byType.get(arrival.at.type);
    if (!handler) throw new MalformedMessage(`nothing here handles ${arrival.at.type} any more`);
    return { ...arrival.at, data: dataFor(handler.subscription, arrival.record) };
  }

  /**
   * Calls the handlers with as many messages at a time as the order of each stream allows: a handler gets all messages of
   * its type whose stream has nothing earlier left for another handler.
   */
  async handle(messages: readonly ReceivedMessage[], tx: Transaction): Promise<void> {
    const giveUpAt = performance.now() + this.timeoutMs;
    let rest = messages;
    while (rest.length > 0) {
      const handler = this.byType.get((rest[0] as ReceivedMessage).type) as RegisteredHandler;
      const now: ReceivedMessage[] = [];
      const later: ReceivedMessage[] = [];
      const blocked = new Set<string>();
      for (const message of rest) {
        if (this.byType.get(message.type)?.method === handler.method && !blocked.has(nameOf(message)))
          now.push(message);
        else {
          blocked.add(nameOf(message));
          later.push(message);
        }
      }
      await this.call(handler, now, tx, giveUpAt);
      rest = later;
    }
  }

  private async call(
    handler: RegisteredHandler,
    messages: ReceivedMessage[],
    tx: Transaction,
    giveUpAt: number,
  ): Promise<void> {
    const only = messages.length === 1 ? (messages[0] as ReceivedMessage) : undefined;
    const work = () => handling.run(true, async () => settled(await handler.call(messages, { tx })));
    const done = only ? inJourney({ ...journeyOf(only) }, work) : work();
    // A plain timer: giving up one that can be aborted makes an error each time, which cost as much as a handler's SQL.
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new HandlerTimedOut(this.timeoutMs)), giveUpAt - performance.now());
    });
    // Whichever loses the race may still reject; nobody is left to hear it.
    timeout.catch(() => undefined);
    done.catch(() => undefined);
    try {
      await Promise.race([done, timeout]);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** The content of a record as a subscription's schema reads it. Throws MalformedMessage. */
export function dataFor({ subscriber, schema }: Subscription, record: WireRecord): unknown {
  const checked = schema.safeParse(readContent(record));
  if (checked.success) return checked.data;
  const detail = checked.error.issues
    .map(({ path, message }) => `${path.join('.') || '(content)'}: ${message}`)
    .join('; ');
  throw new MalformedMessage(`the content does not fit what ${subscriber} needs: ${detail}`);
}

/** The journey that handling this message is a part of. */
export function journeyOf(message: Attributes) {
  return {
    correlationId: message.correlationId,
    causationId: message.id,
    messageId: message.id,
    ...(message.traceparent ? { traceparent: message.traceparent } : {}),
    ...(message.tracestate ? { tracestate: message.tracestate } : {}),
  };
}

// Nest answers with an Observable, and an error in it stays unheard until somebody subscribes.
async function settled(answer: unknown): Promise<void> {
  if (isObservable(answer)) await lastValueFrom(answer, { defaultValue: undefined });
}
