import { DependencyAway, PermanentError } from '@banyan/messaging';
import { whatFailsForGoodIsParkedAndItsStreamWaits } from './essential-checks';
import { Behaviour, letterSent, openPostOffice, PostOffice, streetErased } from './post-office';
import { describeOnEach } from './describe-on-each';
import { gate, until } from './waiting';

const textOf = ({ data }: { data: unknown }) => (data as { text?: string }).text;

describeOnEach('promise 5: retried, then parked, never dropped', (transport) => {
  let inTown: Behaviour = () => undefined;
  const tried: { text: string | undefined; at: number }[] = [];
  let office: PostOffice;

  beforeAll(async () => {
    office = await openPostOffice({
      transport,
      environment: {
        BUS_RETRY_ATTEMPTS: '3',
        BUS_RETRY_FIRST_DELAY_MS: '40',
        BUS_RETRY_MAX_DELAY_MS: '1000',
        DATABASE_TRANSACTION_TIMEOUT_MS: '1500',
      },
      behave: async (place, messages, handling) => {
        if (place !== 'town') return;
        tried.push(...messages.map((message) => ({ text: textOf(message), at: performance.now() })));
        await inTown(place, messages, handling);
      },
    });
  });
  afterEach(() => {
    inTown = () => undefined;
    tried.length = 0;
  });
  afterAll(() => office.demolish());

  const heldIn = async (street: string) => (await office.held('town')).filter((held) => held.street === street);
  const statesIn = async (street: string) => (await heldIn(street)).map(({ state }) => state);
  const parkedIn = (street: string) => until(async () => (await statesIn(street))[0] === 'parked');
  const failsOn =
    (text: string, error: () => Error = () => new Error('no letter box')): Behaviour =>
    (_, messages) => {
      if (messages.some((message) => textOf(message) === text)) throw error();
    };

  it('a message that fails is tried again, later each time, then parked with its error', async () => {
    inTown = failsOn('poison');
    await office.send({ street: 'Elm', text: 'poison' });
    await parkedIn('Elm');
    expect(await heldIn('Elm')).toEqual([
      expect.objectContaining({ sequence: 1, attempts: 3, code: 'failed', error: 'Error: no letter box' }),
    ]);
    const [first, second, third] = tried.map(({ at }) => at) as [number, number, number];
    expect(tried).toHaveLength(3);
    // A fifth of jitter either way, doubling: 40 ms, then 80 ms. Timers may be late, and are early by a millisecond at most.
    expect(second - first).toBeGreaterThanOrEqual(40 * 0.8 - 1);
    expect(third - second).toBeGreaterThanOrEqual(80 * 0.8 - 1);
  });

  it('later messages of its stream wait behind it, in order, while the other streams go on', () =>
    whatFailsForGoodIsParkedAndItsStreamWaits(transport));

  it('once its cause is mended it is handled, and what waited follows in order', async () => {
    let closed = true;
    inTown = (_, messages) => {
      if (closed && messages.some((message) => textOf(message) === 'first'))
        throw new DependencyAway('the door is closed');
    };
    await office.send({ street: 'Fir', text: 'first' });
    await office.send({ street: 'Fir', text: 'second' }, { street: 'Fir', text: 'third' });
    await until(async () => tried.filter(({ text }) => text === 'first').length > 5);
    // A dependency that is away is waited for, however often it takes.
    expect(await heldIn('Fir')).toMatchObject([
      { state: 'retrying', attempts: 0, code: 'dependency-away' },
      { state: 'waiting' },
      { state: 'waiting' },
    ]);
    closed = false;
    await until(async () => (await heldIn('Fir')).length === 0);
    await office.send({ street: 'Fir', text: 'fourth' });
    await office.caughtUp();
    expect(await office.texts('town', 'Fir')).toEqual(['first', 'second', 'third', 'fourth']);
  });

  it('one bad message in the middle of a batch harms none of its neighbours', async () => {
    inTown = failsOn('poison', () => new PermanentError('never'));
    const streets = ['A', 'B', 'C', 'D', 'E'].map((letter) => `Batch ${letter}`);
    await office.send(
      ...streets.flatMap((street) => [
        { street, text: 'good' },
        { street, text: street === 'Batch C' ? 'poison' : 'also good' },
        { street, text: 'last' },
      ]),
    );
    await office.caughtUp();
    for (const street of streets) {
      const expected = street === 'Batch C' ? ['good'] : ['good', 'also good', 'last'];
      expect([street, await office.texts('town', street)]).toEqual([street, expected]);
    }
    expect(await statesIn('Batch C')).toEqual(['parked', 'waiting']);
  });

  it('a permanent error parks at once', async () => {
    inTown = failsOn('impossible', () => new PermanentError('there is no such house'));
    await office.send({ street: 'Yew', text: 'impossible' });
    await office.caughtUp();
    expect(await heldIn('Yew')).toMatchObject([{ state: 'parked', attempts: 1, code: 'permanent-error' }]);
  });

  it('a malformed message is parked, not skipped', async () => {
    await office.send({ street: 'Bay', text: 'first' });
    await office.caughtUp();
    const elsewhere = await openPostOffice({ transport, database: office.database, connected: false });
    await elsewhere.post.database.transaction(async (tx) => {
      await elsewhere.post.outbox.publish(tx, [letterSent({ street: 'Bay', text: 'second' })]);
      await tx.query(`UPDATE outbox SET data = '{"street": "Bay"}' WHERE key = 'Bay' AND sequence = 2`);
    });
    await elsewhere.close();
    await office.send({ street: 'Bay', text: 'third' });
    await office.caughtUp();
    expect(await heldIn('Bay')).toMatchObject([
      { state: 'parked', code: 'malformed-message', error: expect.stringContaining('text:') },
      { state: 'waiting' },
    ]);
  });

  it('an erasure overtakes: what waits is discarded, content and all, and the stream flows again', async () => {
    inTown = failsOn('secret of Mrs Gray', () => new PermanentError('never'));
    await office.send(
      { street: 'Gray', text: 'secret of Mrs Gray' },
      { street: 'Gray', text: 'another secret of hers' },
    );
    await office.caughtUp();
    expect(await statesIn('Gray')).toEqual(['parked', 'waiting']);
    await office.publish(streetErased({ street: 'Gray' }));
    await office.send({ street: 'Gray', text: 'afterwards' });
    await office.caughtUp();
    expect(await office.texts('town', 'Gray')).toEqual(['erased', 'afterwards']);
    expect(await heldIn('Gray')).toEqual([]);
    const left = await office
      .databaseOf('town')
      .query(`SELECT t::text FROM held_message t UNION ALL SELECT a::text FROM held_message_act a`);
    expect(JSON.stringify(left)).not.toContain('secret');
    expect(
      await office.databaseOf('town').query(`SELECT act, sequence FROM held_message_act ORDER BY sequence`),
    ).toEqual([
      { act: 'discarded', sequence: 1 },
      { act: 'discarded', sequence: 2 },
    ]);
  });

  it('an erasure that fails itself has discarded what waited all the same, and is tried again', async () => {
    let failures = 0;
    inTown = (_, [message]) => {
      if (message && textOf(message) === 'poison') throw new PermanentError('never');
      if (message?.type === streetErased.type && (failures += 1) < 3) throw new Error('not now');
    };
    await office.send({ street: 'Pink', text: 'poison' }, { street: 'Pink', text: 'behind it' });
    await office.caughtUp();
    await office.publish(streetErased({ street: 'Pink' }));
    await office.caughtUp();
    expect((await heldIn('Pink')).map(({ sequence }) => sequence)).toEqual([3]);
    await until(async () => (await heldIn('Pink')).length === 0);
    expect(await office.texts('town', 'Pink')).toEqual(['erased']);
  });

  it('a handler that hangs is given up, counted against the message and not against the database', async () => {
    inTown = (_, messages) =>
      messages.some((message) => textOf(message) === 'tar') ? new Promise(() => {}) : undefined;
    await office.send({ street: 'Tar', text: 'tar' }, { street: 'Free', text: 'one' });
    await until(async () => (await office.texts('town', 'Free')).length === 1);
    await until(async () => (await heldIn('Tar')).length === 1);
    expect(await heldIn('Tar')).toMatchObject([{ code: 'handler-timed-out' }]);
    inTown = () => undefined;
    await until(async () => (await office.texts('town', 'Tar')).length === 1);
  });

  it('while a message is being tried again, and takes its time, other streams and other retries go on', async () => {
    const { opened, open } = gate();
    let attempts = 0;
    inTown = async (_, messages) => {
      const texts = messages.map(textOf);
      if (texts.includes('slow') && (attempts += 1) < 3) throw new Error('not yet');
      if (texts.includes('slow')) await opened;
    };
    await office.send({ street: 'Slow', text: 'slow' });
    await until(() => attempts === 3);
    await office.send({ street: 'Slow', text: 'behind' }, { street: 'Fast', text: 'past' });
    await until(async () => (await office.texts('town', 'Fast')).length === 1);
    expect(await office.texts('town', 'Slow')).toEqual([]);
    open();
    await until(async () => (await office.texts('town', 'Slow')).length === 2);
    expect(await office.texts('town', 'Slow')).toEqual(['slow', 'behind']);
  });
});
