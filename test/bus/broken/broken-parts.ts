import { Transaction } from '@banyan/persistence';
import { BusServer } from '../../../libs/messaging/src/bus-server';
import { Consumer, type Progress } from '../../../libs/messaging/src/consumer';
import { readContent, type LoggedMessage } from '../../../libs/messaging/src/envelope';
import { Feed } from '../../../libs/messaging/src/feed';
import { Handlers, type Arrival } from '../../../libs/messaging/src/handlers';
import { HeldMessages } from '../../../libs/messaging/src/held-messages';
import { KafkaCluster, type Extent } from '../../../libs/messaging/src/kafka/cluster';
import { KafkaPositions } from '../../../libs/messaging/src/kafka/positions';
import { Topic } from '../../../libs/messaging/src/kafka/topic';
import { LogCursor } from '../../../libs/messaging/src/log-cursor';
import { Outbox, outboxParameters, publishing, type PreparedMessage } from '../../../libs/messaging/src/outbox';
import { Ownerships } from '../../../libs/messaging/src/ownership';
import { Subscriber } from '../../../libs/messaging/src/subscriber';
import * as essential from '../essential-checks';

/** A bus with one part that breaks a promise, as somebody could have written it, and the check that must see it. */
export interface BrokenPart {
  promise: number;
  /** What the bus does wrong. */
  how: string;
  seenBy: essential.Check;
  /** What the check complains of, so that it fails for this reason and no other. */
  complaint: RegExp;
  /** Breaks the part in this process, until jest.restoreAllMocks(). */
  break(): void;
}

type Method<This> = (this: This, ...args: never[]) => unknown;
/** A part with its private members open, which have no types here. */
type Opened = any;

/** Replaces a method of a part, private ones included; `original` is what it did. Throws where there is no such method. */
function instead(
  part: { prototype: object },
  method: string,
  by: (this: Opened, original: (...args: unknown[]) => Opened, ...args: Opened[]) => unknown,
): void {
  const original = (part.prototype as Record<string, Method<unknown>>)[method] as Method<unknown>;
  const replacement = function (this: unknown, ...args: unknown[]): unknown {
    return by.call(this, (...rest) => original.apply(this, rest as never[]), ...args);
  };
  jest.spyOn(part.prototype as never, method as never).mockImplementation(replacement as never);
}

const UNEQUAL = /toEqual|toMatchObject/;
const NEVER_CAME = /Did not come true/;

function advanceBeforeTheCommit(): void {
  instead(Consumer, 'consume', async function (consume, arrivals, progress: Progress) {
    await progress.advance(this.database, true);
    await consume(arrivals, progress);
  });
}

export const brokenParts: readonly BrokenPart[] = [
  {
    promise: 1,
    how: 'hands over before the commit',
    seenBy: essential.whatIsRolledBackIsNeverHeard,
    complaint: /never/,
    break: () =>
      instead(Outbox, 'publishPrepared', function (_, tx: Transaction, prepared: PreparedMessage[]) {
        tx.send(publishing, outboxParameters(prepared), (places) => this.handOver(prepared, places));
      }),
  },
  {
    promise: 1,
    how: 'knows only what it was handed in memory',
    seenBy: essential.whatIsCommittedWhileNobodyListensIsHeardLater,
    complaint: UNEQUAL,
    break: () => instead(LogCursor, 'read', () => Promise.resolve({ messages: [], more: false })),
  },
  {
    promise: 2,
    how: 'remembers nothing',
    seenBy: essential.whatIsDeliveredAgainHasItsEffectOnce,
    complaint: UNEQUAL,
    break: () => {
      instead(Consumer, 'lookNext', () => false);
      instead(Consumer, 'takeOver', async (_, tx: Transaction, __, progress: Progress, whole: boolean) => {
        await progress.advance(tx, whole);
        return { next: (at: object) => ({ ...at, held: false }), changed: () => [] };
      });
    },
  },
  {
    promise: 2,
    how: 'moves the position before the handler has committed',
    seenBy: essential.whatDiesBeforeItsCommitIsReadAgain,
    complaint: UNEQUAL,
    break: advanceBeforeTheCommit,
  },
  {
    promise: 3,
    how: 'handles what arrived together in any order',
    seenBy: essential.everyStreamKeepsItsOrder,
    complaint: UNEQUAL,
    break: () => instead(Handlers, 'handle', (handle, messages: unknown[], tx) => handle(messages.toReversed(), tx)),
  },
  {
    promise: 4,
    how: 'has one consumer for all modules',
    seenBy: essential.aSlowSubscriberDelaysNoOther,
    complaint: NEVER_CAME,
    break: () => {
      let before: Promise<unknown> = Promise.resolve();
      instead(Consumer, 'consume', (consume, ...args) => (before = before.then(() => consume(...args))));
    },
  },
  {
    promise: 5,
    how: 'drops what fails',
    seenBy: essential.whatFailsForGoodIsParkedAndItsStreamWaits,
    complaint: NEVER_CAME,
    break: () => instead(HeldMessages, 'hold', () => Promise.resolve()),
  },
  {
    promise: 5,
    how: 'tries for ever and never parks',
    seenBy: essential.whatFailsForGoodIsParkedAndItsStreamWaits,
    complaint: NEVER_CAME,
    break: () =>
      instead(HeldMessages, 'failed', function (failed, ...args) {
        this.rule = { ...this.rule, attempts: Infinity };
        return failed(...args);
      }),
  },
  {
    promise: 6,
    how: 'reads on from the highest position, past what has not committed yet',
    seenBy: essential.whatCommitsLateIsHeard,
    complaint: UNEQUAL,
    break: () =>
      instead(LogCursor, 'settle', function (settle, ...args) {
        settle(...args);
        this.gaps = [];
      }),
  },
  {
    promise: 7,
    how: 'lets a late owner commit under its old epoch',
    seenBy: essential.aLateOwnerHasNoEffect,
    complaint: NEVER_CAME,
    break: () => instead(Ownerships, 'move', () => Promise.resolve(true)),
  },
  {
    promise: 7,
    how: 'never looks whether an owner is still there',
    seenBy: essential.whatADeadOwnerLeavesIsTakenOver,
    complaint: NEVER_CAME,
    break: () => instead(Ownerships, 'vacant', () => Promise.resolve(new Set())),
  },
  {
    promise: 8,
    how: 'finds its own messages by polling only',
    seenBy: essential.whatIsCommittedHereIsHandedOnInMemory,
    complaint: NEVER_CAME,
    break: () => instead(Feed, 'offer', () => undefined),
  },
  {
    promise: 8,
    how: 'tells no other process',
    seenBy: essential.whatAnotherInstanceCommitsArrivesAtOnce,
    complaint: NEVER_CAME,
    break: () => instead(BusServer, 'tellPublished', () => undefined),
  },
  {
    promise: 8,
    how: 'polls as fast as it can',
    seenBy: essential.nobodyAsksMuchWhileNothingHappens,
    complaint: /toBeLessThan/,
    break: () => instead(Feed, 'nextPollIn', () => 0),
  },
  {
    promise: 9,
    how: 'gives up when a database is away',
    seenBy: essential.anOutageOfASubscriberIsOutlasted,
    complaint: NEVER_CAME,
    break: () =>
      instead(Feed, 'carry', async function (carry, ...args) {
        try {
          return await carry(...args);
        } catch (error) {
          this.stopped = true;
          throw error;
        }
      }),
  },
  {
    promise: 10,
    how: 'deletes what has been heard',
    seenBy: essential.whatHasBeenHeardStaysUntouched,
    complaint: UNEQUAL,
    break: () =>
      instead(Feed, 'carry', async function (carry, batch: LoggedMessage[], ...rest) {
        await carry(batch, ...rest);
        const heard = batch.map(({ position }) => position);
        await this.parts.source.database.query('DELETE FROM outbox WHERE position = ANY($1)', [heard]);
      }),
  },
  {
    promise: 10,
    how: 'lets a new subscriber begin at the end of the log',
    seenBy: essential.aNewSubscriberBeginsAtTheBeginning,
    complaint: UNEQUAL,
    break: () =>
      instead(Ownerships, 'take', (take, source, topics) => take(source, topics, { position: 2, complete: false })),
  },
  {
    promise: 11,
    how: 'writes the content anew on its way',
    seenBy: essential.contentSurvivesTheWay,
    complaint: /other scripts/,
    break: () =>
      instead(Subscriber, 'arrive', (arrive, message: LoggedMessage) =>
        // "é" may be one character or two; which it was is the publisher's business.
        arrive({ ...message, data: message.data.normalize('NFC') }),
      ),
  },
  {
    promise: 11,
    how: 'hands objects over without a look at the subscriber’s schema',
    seenBy: essential.contentIsReadWithTheSubscribersEyes,
    complaint: /colour/,
    break: () => instead(Handlers, 'read', (_, { at, record }: Arrival) => ({ ...at, data: readContent(record) })),
  },
  {
    promise: 12,
    how: 'leaves the memory behind when a subscriber moves',
    seenBy: essential.aMovedSubscriberGoesOn,
    // What it holds comes again, and cannot be held twice; or what it has heard does.
    complaint: /toEqual|Did not come true/,
    break: () =>
      instead(Transaction, 'query', (query, sql, values) =>
        query(sql, sql.name === 'moving.unpack-stream_memory' ? ['[]'] : values),
      ),
  },
  {
    promise: 12,
    how: 'goes on consuming where it was',
    seenBy: essential.aMovedSubscriberGoesOn,
    complaint: UNEQUAL,
    break: () =>
      instead(Transaction, 'query', (query, sql, values) =>
        sql.name === 'moving.leave'
          ? query('SELECT to_jsonb(s) AS row FROM subscription s WHERE source = $1', values)
          : query(sql, values),
      ),
  },
];

/** What only the way over Kafka can do wrong; the rest of the bus is the same for both. */
export const brokenOverKafka: readonly BrokenPart[] = [
  {
    promise: 1,
    how: 'counts a batch as sent of which the broker has nothing',
    seenBy: essential.whatIsCommittedWhileNobodyListensIsHeardLater,
    complaint: UNEQUAL,
    break: () => instead(Topic, 'send', () => Promise.resolve()),
  },
  {
    promise: 2,
    how: 'moves its places before the handler has committed',
    seenBy: essential.whatDiesBeforeItsCommitIsReadAgain,
    complaint: UNEQUAL,
    break: advanceBeforeTheCommit,
  },
  {
    promise: 3,
    how: 'sends a batch in any order',
    seenBy: essential.everyStreamKeepsItsOrder,
    complaint: UNEQUAL,
    break: () => instead(Topic, 'send', (send, batch: unknown[], owned) => send(batch.toReversed(), owned)),
  },
  {
    promise: 7,
    how: 'lets a late owner move its places',
    seenBy: essential.aLateOwnerHasNoEffect,
    complaint: NEVER_CAME,
    break: () => instead(KafkaPositions, 'move', () => Promise.resolve(true)),
  },
  {
    promise: 10,
    how: 'lets a new subscriber begin at the end of a topic',
    seenBy: essential.aNewSubscriberBeginsAtTheBeginning,
    complaint: UNEQUAL,
    break: () =>
      instead(KafkaCluster, 'extents', async (extents, ...args) => {
        const found = (await extents(...args)) as Map<string, Extent[]>;
        for (const extent of [...found.values()].flat()) extent.low = extent.high;
        return found;
      }),
  },
  {
    promise: 11,
    how: 'writes the content anew on its way',
    seenBy: essential.contentSurvivesTheWay,
    complaint: /other scripts/,
    break: () =>
      instead(Topic, 'send', (send, batch: LoggedMessage[], owned) =>
        send(
          batch.map((message) => ({ ...message, data: message.data.normalize('NFC') })),
          owned,
        ),
      ),
  },
];
