import { currentJourney } from '@banyan/telemetry';
import type { Transaction } from '@banyan/persistence';
import { throwError } from 'rxjs';
import { z } from 'zod';
import { hears } from './definitions';
import type { ReceivedMessage } from './envelope';
import { Handlers, RegisteredHandler } from './handlers';
import { handling } from './outbox';

const tx = {} as Transaction;
const calls: string[] = [];
const say = (messages: ReceivedMessage[]) =>
  messages.map(({ type, key, sequence }) => `${type.split('.')[1]} ${key}${sequence}`);

function handler(
  types: string[],
  call: RegisteredHandler['call'] = (messages) => void calls.push(say(messages).join(' + ')),
) {
  const method = Symbol('handler');
  return types.map((name): RegisteredHandler => {
    const subscription = hears({
      subscriber: 'town',
      kind: 'event',
      type: `post.${name}.v1`,
      schema: z.object({ n: z.number() }),
      example: { n: 1 },
    });
    return { subscription, method, call };
  });
}

const message = (name: string, key: string, sequence: number): ReceivedMessage =>
  ({
    type: `post.${name}.v1`,
    topic: 'post.events',
    key,
    sequence,
    id: `${name}-${key}${sequence}`,
    correlationId: `story of ${key}`,
  }) as ReceivedMessage;

beforeEach(() => (calls.length = 0));

describe('handlers get as much at a time as the order of each stream allows', () => {
  it('one handler: everything at once', async () => {
    const handlers = new Handlers(handler(['letter']), 1_000);
    await handlers.handle([message('letter', 'a', 1), message('letter', 'b', 1), message('letter', 'a', 2)], tx);
    expect(calls).toEqual(['letter a1 + letter b1 + letter a2']);
  });

  it('two handlers on one stream take turns, and other streams ride along', async () => {
    const handlers = new Handlers([...handler(['letter']), ...handler(['parcel'])], 1_000);
    await handlers.handle(
      [
        message('letter', 'a', 1),
        message('parcel', 'a', 2),
        message('letter', 'a', 3),
        message('letter', 'b', 1),
        message('parcel', 'b', 2),
      ],
      tx,
    );
    expect(calls).toEqual(['letter a1 + letter b1', 'parcel a2 + parcel b2', 'letter a3']);
  });

  it('one method for two wire names gets both in one batch', async () => {
    const handlers = new Handlers(handler(['letter', 'parcel']), 1_000);
    await handlers.handle([message('letter', 'a', 1), message('parcel', 'a', 2)], tx);
    expect(calls).toEqual(['letter a1 + parcel a2']);
  });
});

describe('a handler', () => {
  it('that fails, also as Nest tells of it, fails the batch with its very error', async () => {
    const error = new Error('no');
    for (const call of [
      () => Promise.reject(error),
      () => throwError(() => error),
      () => Promise.resolve(throwError(() => error)),
    ]) {
      await expect(new Handlers(handler(['letter'], call), 1_000).handle([message('letter', 'a', 1)], tx)).rejects.toBe(
        error,
      );
    }
  });

  it('is given up when its time is over, all handlers of the batch together', async () => {
    const slow = (milliseconds: number) => () => new Promise<void>((resolve) => setTimeout(resolve, milliseconds));
    const handlers = new Handlers([...handler(['letter'], slow(60)), ...handler(['parcel'], slow(60))], 100);
    await handlers.handle([message('letter', 'a', 1)], tx);
    await expect(handlers.handle([message('letter', 'a', 1), message('parcel', 'a', 2)], tx)).rejects.toThrow(
      'had not finished after 100 ms',
    );
  });

  it('works on the journey of its message, and is known to be a handler', async () => {
    let journey: unknown;
    const look = () => void (journey = { ...currentJourney(), handling: handling.getStore() });
    await new Handlers(handler(['letter'], look), 1_000).handle([message('letter', 'a', 1)], tx);
    expect(journey).toEqual({
      correlationId: 'story of a',
      causationId: 'letter-a1',
      messageId: 'letter-a1',
      handling: true,
    });
    expect(handling.getStore()).toBeUndefined();
  });
});

describe('reading a record', () => {
  const arrival = (type: string, value: string) => ({
    at: { ...message('letter', 'a', 1), type },
    record: { topic: 'post.events', key: 'a', headers: { 'content-type': 'application/json' }, value },
  });
  const handlers = new Handlers(handler(['letter']), 1_000);

  it('keeps the fields that the subscriber asked for', () => {
    expect(handlers.read(arrival('post.letter.v1', '{"n":1,"colour":"red"}'))).toMatchObject({ data: { n: 1 } });
  });

  it('refuses content that does not fit, naming fields and not their values', () => {
    expect(() => handlers.read(arrival('post.letter.v1', '{"n":"a secret"}'))).toThrow(
      /^the content does not fit what town needs: n: (?!.*secret)/,
    );
  });

  it('refuses what nothing handles any more', () => {
    expect(() => handlers.read(arrival('post.telegram.v1', '{}'))).toThrow(
      'nothing here handles post.telegram.v1 any more',
    );
  });
});
