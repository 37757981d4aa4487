import { ParkedMessages, PermanentError, type OperatorAct } from '@banyan/messaging';
import { Behaviour, letterSent, openPostOffice, PostOffice, streetErased } from './post-office';
import { describeOnEach } from './describe-on-each';
import { gate, until } from './waiting';

const textOf = ({ data }: { data: unknown }) => (data as { text?: string }).text;
const act: OperatorAct = { who: 'postmaster', why: 'the letter box is back' };

describeOnEach('parked messages', (transport) => {
  let inTown: Behaviour = () => undefined;
  let office: PostOffice;
  let parked: ParkedMessages;

  beforeAll(async () => {
    office = await openPostOffice({
      transport,
      environment: { BUS_RETRY_ATTEMPTS: '2', BUS_RETRY_FIRST_DELAY_MS: '20', BUS_RETRY_MAX_DELAY_MS: '100' },
      behave: (place, messages, handling) => (place === 'town' ? inTown(place, messages, handling) : undefined),
    });
    parked = parkedOf(() => office.bus.madeDue('town'));
  });
  afterEach(() => {
    inTown = () => undefined;
  });
  afterAll(() => office.demolish());

  const parkedOf = (wake?: () => void) =>
    new ParkedMessages(office.databaseOf('town'), office.bus.members.get('town')!.hears, wake);
  const perform = <T>(work: (tx: Parameters<ParkedMessages['redrive']>[0]) => Promise<T>) =>
    office.databaseOf('town').transaction(work);
  const all = { limit: 100 };
  const failsOn =
    (text: string): Behaviour =>
    (_, messages) => {
      if (messages.some((message) => textOf(message) === text)) throw new PermanentError('no letter box');
    };

  /** Sends letters to a street, the first of which is poison, and waits until it is parked. */
  async function park(street: string, ...behind: string[]) {
    inTown = failsOn('poison');
    await office.send(...['poison', ...behind].map((text) => ({ street, text })));
    await office.caughtUp();
    const [message] = await parked.list({ key: street }, all);
    return message!;
  }
  const flows = (street: string) =>
    until(async () => (await office.held('town')).every((held) => held.street !== street));
  const recorded = (street: string) =>
    office
      .databaseOf('town')
      .query('SELECT act, sequence, who, why, original, edited FROM held_message_act WHERE key = $1 ORDER BY at', [
        street,
      ]);

  it('are listed with their error and with how many wait behind them, and inspected with their content', async () => {
    const message = await park('Elm', 'second', 'third');
    expect(message).toMatchObject({
      source: 'post',
      topic: 'post.events',
      type: letterSent.type,
      key: 'Elm',
      sequence: 1,
      state: 'parked',
      attempts: 1,
      errorCode: 'permanent-error',
      error: 'Error: no letter box',
      waitingBehind: 2,
    });
    expect(await parked.inspect(message.id)).toMatchObject({
      ...message,
      content: { street: 'Elm', text: 'poison' },
      headers: { ce_type: letterSent.type, ce_partitionkey: 'Elm' },
      acts: [],
    });
  });

  it('are found by type, key, error code and time, and page by page', async () => {
    const since = new Date();
    const one = await park('Filter A');
    const other = await park('Filter B');
    const idsOf = async (filter: Parameters<ParkedMessages['list']>[0]) =>
      (await parked.list(filter, all)).map(({ id }) => id);
    expect(await idsOf({ heldSince: since })).toEqual([one.id, other.id]);
    expect(await idsOf({ key: 'Filter B' })).toEqual([other.id]);
    expect(await idsOf({ type: letterSent.type, errorCode: 'permanent-error', heldSince: since })).toHaveLength(2);
    expect(await idsOf({ errorCode: 'failed' })).toEqual([]);
    expect(await idsOf({ type: streetErased.type })).toEqual([]);
    const first = await parked.list({ heldSince: since }, { limit: 1 });
    const rest = await parked.list({ heldSince: since }, { limit: 1, after: first[0]!.id });
    expect([...first, ...rest].map(({ id }) => id)).toEqual([one.id, other.id]);
  });

  it('redriven once their cause is mended, they are handled, and what waited follows in order', async () => {
    const { id } = await park('Oak', 'second', 'third');
    inTown = () => undefined;
    await perform((tx) => parked.redrive(tx, id, act));
    await office.send({ street: 'Oak', text: 'fourth' });
    await flows('Oak');
    await office.caughtUp();
    expect(await office.texts('town', 'Oak')).toEqual(['poison', 'second', 'third', 'fourth']);
    expect(await recorded('Oak')).toEqual([{ act: 'redriven', sequence: 1, ...act, original: null, edited: null }]);
    await expect(parked.inspect(id)).rejects.toMatchObject({ code: 'parked-message-not-found' });
  });

  it('redriven too early, they have all their attempts again, and are parked again', async () => {
    const { id } = await park('Ash');
    inTown = (_, messages) => {
      if (messages.some((message) => textOf(message) === 'poison')) throw new Error('still none');
    };
    await perform((tx) => parked.redrive(tx, id, act));
    await until(async () => (await parked.list({ key: 'Ash', errorCode: 'failed' }, all)).length === 1);
    expect(await parked.inspect(id)).toMatchObject({ attempts: 2, error: 'Error: still none' });
  });

  it('redriven where no loop can be woken, they are found all the same', async () => {
    const { id } = await park('Yew');
    inTown = () => undefined;
    await perform((tx) => parkedOf().redrive(tx, id, act));
    await flows('Yew');
    expect(await office.texts('town', 'Yew')).toEqual(['poison']);
  });

  it('redriven by filter, only those that match are tried again', async () => {
    await park('Bay 1', 'second');
    await park('Bay 2');
    const since = new Date();
    await park('Bay 3');
    inTown = () => undefined;
    const redriven = await perform((tx) => parked.redriveAll(tx, { heldSince: since }, act));
    expect(redriven).toBe(1);
    await flows('Bay 3');
    expect(await perform((tx) => parked.redriveAll(tx, { key: 'Bay 1' }, act))).toBe(1);
    await flows('Bay 1');
    expect(await office.texts('town', 'Bay 1')).toEqual(['poison', 'second']);
    expect(await parked.list({ key: 'Bay 2' }, all)).toHaveLength(1);
    const rest = (await parked.list({}, all)).length;
    expect(await perform((tx) => parked.redriveAll(tx, {}, act))).toBe(rest);
    await until(async () => (await office.held('town')).length === 0);
  });

  it('edited, they are handled as they should have been, and the record keeps both contents', async () => {
    const { id } = await park('Fir', 'second');
    await perform((tx) => parked.editAndRedrive(tx, id, { street: 'Fir', text: 'mended' }, act));
    await flows('Fir');
    expect(await office.texts('town', 'Fir')).toEqual(['mended', 'second']);
    expect(await recorded('Fir')).toEqual([
      {
        act: 'edited',
        sequence: 1,
        ...act,
        original: '{"street":"Fir","text":"poison"}',
        edited: '{"street":"Fir","text":"mended"}',
      },
    ]);
  });

  it('are not given a content that the subscriber could not read', async () => {
    const { id } = await park('Pine');
    const edit = perform((tx) => parked.editAndRedrive(tx, id, { street: 'Pine' }, act));
    await expect(edit).rejects.toMatchObject({ code: 'content-refused', message: expect.stringContaining('text:') });
    expect(await parked.inspect(id)).toMatchObject({ state: 'parked', content: { text: 'poison' }, acts: [] });
    expect(await recorded('Pine')).toEqual([]);
  });

  it('discarded, the rest of their stream flows on in order', async () => {
    const { id } = await park('Lime', 'second', 'third');
    await perform((tx) => parked.discard(tx, id, act));
    await office.send({ street: 'Lime', text: 'fourth' });
    await flows('Lime');
    await office.caughtUp();
    expect(await office.texts('town', 'Lime')).toEqual(['second', 'third', 'fourth']);
    expect(await recorded('Lime')).toMatchObject([{ act: 'discarded', sequence: 1, ...act }]);
  });

  it('discarded as the last of their stream, what comes next is not held', async () => {
    const { id } = await park('Palm');
    await perform((tx) => parked.discard(tx, id, act));
    await office.send({ street: 'Palm', text: 'next' });
    await office.caughtUp();
    expect(await office.texts('town', 'Palm')).toEqual(['next']);
  });

  it('are nobody’s to act on while they are tried, nor what waits behind them', async () => {
    const { id } = await park('Plum', 'second');
    const { opened, open } = gate();
    let trying = false;
    inTown = async () => {
      trying = true;
      await opened;
    };
    await perform((tx) => parked.redrive(tx, id, act));
    await until(() => trying);
    await expect(perform((tx) => parked.discard(tx, id, act))).rejects.toMatchObject({ code: 'message-not-parked' });
    const [, behind] = await office
      .databaseOf('town')
      .query<{ id: string }>(`SELECT id FROM held_message WHERE key = 'Plum' ORDER BY sequence`);
    await expect(perform((tx) => parked.redrive(tx, behind!.id, act))).rejects.toMatchObject({
      code: 'message-not-parked',
      message: expect.stringContaining('waiting'),
    });
    open();
    await flows('Plum');
    expect(await office.texts('town', 'Plum')).toEqual(['poison', 'second']);
  });

  it('acted on by many at once while the loop is at work, each is dealt with once and every stream keeps its order', async () => {
    const streets = Array.from({ length: 20 }, (_, n) => `Crowd ${n}`);
    const messages = [];
    for (const street of streets) messages.push(await park(street, 'second', 'third'));
    inTown = (_, [message]) => {
      // Every other poison stays poison, so that the loop parks while operators act.
      if (message && textOf(message) === 'poison' && Number(message.key.slice(6)) % 2 === 0)
        throw new PermanentError('no');
    };
    const attempts = messages.flatMap(({ id }) => [
      () => perform((tx) => parked.redrive(tx, id, act)),
      () => perform((tx) => parked.discard(tx, id, act)),
      () => perform((tx) => parked.redrive(tx, id, act)),
    ]);
    await Promise.all([
      ...attempts.map((attempt) =>
        attempt().catch((error: { code: string }) =>
          expect(error.code).toMatch(/^parked-message-not-found$|^message-not-parked$/),
        ),
      ),
      ...streets.map((street) => office.send({ street, text: 'fourth' })),
    ]);
    inTown = () => undefined;
    await office.caughtUp();
    await perform((tx) => parked.redriveAll(tx, {}, act));
    await until(async () => (await office.held('town')).length === 0);
    for (const street of streets) {
      const texts = await office.texts('town', street);
      expect(texts.filter((text) => text !== 'poison')).toEqual(['second', 'third', 'fourth']);
      const discarded = (await recorded(street)).filter((row) => (row as { act: string }).act === 'discarded').length;
      expect([street, texts.filter((text) => text === 'poison').length + discarded]).toEqual([street, 1]);
      if (discarded === 0) expect(texts[0]).toBe('poison');
    }
  });

  it('leave nothing of an erased person, neither in what is held nor in the record', async () => {
    const { id } = await park('Gray', 'another secret of hers');
    await perform((tx) =>
      parked.editAndRedrive(
        tx,
        id,
        { street: 'Gray', text: 'the secret of Mrs Gray' },
        { who: 'postmaster', why: 'asked by Mrs Gray' },
      ),
    );
    await flows('Gray');
    await office.publish(streetErased({ street: 'Gray' }));
    await office.caughtUp();
    const left = await office
      .databaseOf('town')
      .query(`SELECT t::text FROM held_message t UNION ALL SELECT a::text FROM held_message_act a WHERE key = 'Gray'`);
    expect(JSON.stringify(left)).not.toMatch(/secret|Mrs/);
    expect(await recorded('Gray')).toMatchObject([
      { act: 'edited', sequence: 1, who: 'postmaster', why: '[erased]', original: null, edited: null },
    ]);
  });
});
