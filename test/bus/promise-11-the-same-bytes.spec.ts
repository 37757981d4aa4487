import { inJourney } from '@banyan/telemetry';
import type { Received } from '@banyan/messaging';
import { contentIsReadWithTheSubscribersEyes, contentSurvivesTheWay } from './essential-checks';
import { letterSent, openPostOffice, PostOffice, streetPaved } from './post-office';
import { describeOnEach } from './describe-on-each';
import { inProcess } from './transports';

describeOnEach('promise 11: the same bytes', (transport) => {
  const received: Received[] = [];
  let office: PostOffice;
  let elsewhere: PostOffice;
  beforeAll(async () => {
    office = await openPostOffice({
      transport,
      behave: (place, messages) => void (place === 'town' && received.push(...messages)),
    });
    elsewhere = await openPostOffice({ transport, database: office.database, connected: false });
  });
  beforeEach(() => (received.length = 0));
  afterAll(async () => {
    await elsewhere.close();
    await office.demolish();
  });

  it.each(['handed over in memory', 'read from the log'])(
    'a message arrives with all its attributes, %s',
    async (way) => {
      const journey = {
        correlationId: `story-${way.length}`,
        causationId: 'a-request',
        traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
        tracestate: 'vendor=1',
      };
      const sender = way.startsWith('handed') ? office : elsewhere;
      await inJourney(journey, () => sender.send({ street: way, text: 'hello' }));
      await office.caughtUp();
      const [row] = await office.post.database.query<Record<string, unknown>>('SELECT * FROM outbox WHERE key = $1', [
        way,
      ]);
      expect(received).toEqual([
        {
          ...journey,
          id: row?.['id'],
          source: 'post',
          type: 'post.letter-sent.v1',
          topic: 'post.events',
          key: way,
          subject: way,
          sequence: 1,
          time: row?.['time'],
          data: { street: way, text: 'hello' },
        },
      ]);
      expect(received[0]?.time).toBeInstanceOf(Date);
    },
  );

  it('content survives the way: quotes, scripts, half a character, nothing, a lot', () =>
    contentSurvivesTheWay(transport));

  it('what is changed after it was published is not changed on its way', async () => {
    const letter = { street: 'Elm', text: 'as published' };
    await office.post.database.transaction(async (tx) => {
      await office.post.outbox.publish(tx, [letterSent(letter)]);
      letter.text = 'as changed';
    });
    await office.caughtUp();
    expect(received).toMatchObject([{ data: { text: 'as published' } }]);
  });

  it('fields that the subscriber does not know pass it by, and types that it does not handle do too', () =>
    contentIsReadWithTheSubscribersEyes(transport));

  it.each([
    ['an envelope without its correlation', `correlation_id = ''`, 'ce_correlationid is missing'],
    ['a type that is none', `type = ''`, 'ce_type is missing'],
    ['content that is no JSON', `data = '{"text": "a secr'`, 'the content is no JSON'],
    ['content of another shape', `data = '[]'`, 'does not fit'],
  ])('what is stored malformed is parked, and the rest goes on: %s', async (what, change, error) => {
    await elsewhere.post.database.transaction(async (tx) => {
      await elsewhere.post.outbox.publish(tx, [streetPaved({ street: what })]);
      await tx.query(`UPDATE outbox SET type = 'post.letter-sent.v1' WHERE key = $1`, [what]);
      await tx.query(`UPDATE outbox SET ${change} WHERE key = $1`, [what]);
    });
    await office.send({ street: 'Elm', text: what });
    await office.caughtUp();
    expect(received.map(({ key }) => key)).toEqual(['Elm']);
    const [held] = (await office.held('town')).filter(({ street }) => street === what);
    expect(held).toMatchObject({ state: 'parked', code: 'malformed-message', error: expect.stringContaining(error) });
    expect(held?.error).not.toContain('secr');
  });
});

describe('the in-process transport', () => {
  it('refuses to start where a party of an edge is not here, and says which', async () => {
    await expect(openPostOffice({ transport: inProcess, places: ['village'] })).rejects.toThrow(
      'post sends town.carry-parcel.v1, but town is not here to handle it.',
    );
  });
});
