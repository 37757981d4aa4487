import { PermanentError, replay, republish, type Announcer, type ReplayFrom } from '@banyan/messaging';
import { Behaviour, carryParcel, letterSent, openPostOffice, PostOffice } from './post-office';
import { describeOnEach } from './describe-on-each';
import { until } from './waiting';

const textOf = ({ data }: { data: unknown }) => (data as { text?: string }).text;
const act = { who: 'postmaster', why: 'the town lost its books' };

describeOnEach('a replay', (transport) => {
  let inTown: Behaviour = () => undefined;
  let office: PostOffice;

  beforeEach(async () => {
    office = await openPostOffice({
      transport,
      behave: (place, messages, handling) => (place === 'town' ? inTown(place, messages, handling) : undefined),
    });
  });
  afterEach(async () => {
    inTown = () => undefined;
    await office.demolish();
  });

  const replayTown = (from: ReplayFrom, force = false, of = office) =>
    replay(
      {
        source: { module: 'post', database: of.post.database },
        subscriber: { module: 'town', database: of.databaseOf('town') },
        from,
        force,
      },
      act,
    );
  const loseBooks = () => office.databaseOf('town').query('DELETE FROM delivery');
  // An idle subscriber notices within five seconds; with the next message, at once.
  const nudge = () => office.send({ street: 'Nudge Lane', text: 'nudge' });
  const replayed = (count: number) => until(async () => (await heard()).length >= count);
  const heard = async () =>
    (await office.deliveries('town')).filter(({ street }) => street !== 'Nudge Lane').map(({ text }) => text);

  it('from the beginning has every event’s effect again, in order per stream, while everything runs', async () => {
    await office.send({ street: 'Elm', text: 'one' }, { street: 'Oak', text: 'uno' });
    await office.send({ street: 'Elm', text: 'two' });
    await office.caughtUp();
    await loseBooks();
    const { from } = await replayTown('beginning');
    expect(from).toBeGreaterThan(0);
    await office.send({ street: 'Elm', text: 'three' }, { street: 'Ash', text: 'new' });
    await replayed(5);
    await office.caughtUp();
    expect(await office.texts('town', 'Elm')).toEqual(['one', 'two', 'three']);
    expect(await office.texts('town', 'Oak')).toEqual(['uno']);
    // The other subscriber has its own position and memory.
    expect(await office.texts('village', 'Elm')).toEqual(['one', 'two', 'three']);
    expect(await office.databaseOf('town').query('SELECT source, topics, to_position, who, why FROM replay')).toEqual([
      { source: 'post', topics: ['post.events'], to_position: 0, ...act },
    ]);
  });

  it('from a position or a time has the effect of what was sent since, and of nothing before', async () => {
    await office.send({ street: 'Elm', text: 'before' });
    await office.caughtUp();
    const position = await office.positionOf('town');
    const time = new Date();
    await office.send({ street: 'Elm', text: 'after' }, { street: 'Oak', text: 'after too' });
    await office.caughtUp();
    await loseBooks();
    expect(await replayTown({ position })).toMatchObject({ to: position, streams: 2, messages: 2 });
    await nudge();
    await replayed(2);
    expect((await heard()).sort()).toEqual(['after', 'after too']);
    await loseBooks();
    expect(await replayTown({ time })).toMatchObject({ to: position });
    await nudge();
    await replayed(2);
    expect((await heard()).sort()).toEqual(['after', 'after too']);
  });

  it('of a subscriber that does not run takes effect when it starts', async () => {
    await office.send({ street: 'Elm', text: 'one' });
    await office.caughtUp();
    await office.close();
    const stopped = await openPostOffice({ transport, database: office.database, connected: false });
    await stopped.databaseOf('town').query('DELETE FROM delivery');
    await replayTown('beginning', false, stopped);
    await stopped.close();
    office = await openPostOffice({ transport, database: office.database });
    await office.caughtUp();
    expect(await office.texts('town')).toEqual(['one']);
  });

  it('of an idle subscriber is noticed, and takes what is held with it: it comes again from the log, in its place', async () => {
    inTown = (_, messages) => {
      if (messages.some((message) => textOf(message) === 'poison')) throw new PermanentError('no letter box');
    };
    await office.send(...['one', 'poison', 'three'].map((text) => ({ street: 'Elm', text })));
    await office.caughtUp();
    await until(async () => (await office.held('town')).length === 2);
    inTown = () => undefined;
    await loseBooks();
    await replayTown('beginning');
    await replayed(3);
    expect(await office.texts('town', 'Elm')).toEqual(['one', 'poison', 'three']);
    expect(await office.held('town')).toEqual([]);
    expect(
      await office.databaseOf('town').query('SELECT act, sequence, who FROM held_message_act ORDER BY sequence'),
    ).toEqual([
      { act: 'replayed', sequence: 2, who: act.who },
      { act: 'replayed', sequence: 3, who: act.who },
    ]);
  });

  it('leaves commands alone unless forced', async () => {
    await office.publish(carryParcel({ street: 'Elm', weight: 3 }));
    await office.send({ street: 'Elm', text: 'one' });
    await office.caughtUp();
    await loseBooks();
    await replayTown('beginning');
    await nudge();
    await replayed(1);
    await office.caughtUp();
    expect(await heard()).toEqual(['one']);
    await loseBooks();
    await replayTown('beginning', true);
    await nudge();
    await replayed(2);
    expect((await heard()).sort()).toEqual(['3 kg', 'one']);
  });

  it('is refused where only commands come, where nothing ever came, and ahead of where the subscriber is', async () => {
    await office.send({ street: 'Elm', text: 'one' });
    await office.caughtUp();
    const position = await office.positionOf('town');
    await expect(replayTown({ position: position + 1 })).rejects.toMatchObject({ code: 'replay-forward' });
    await office.databaseOf('town').query(`UPDATE subscription SET topics = '{town.commands}'`);
    await expect(replayTown('beginning')).rejects.toMatchObject({ code: 'commands-not-replayed' });
    const stranger = { source: { module: 'nobody', database: office.post.database } };
    const subscriber = { module: 'town', database: office.databaseOf('town') };
    await expect(replay({ ...stranger, subscriber, from: 'beginning' }, act)).rejects.toMatchObject({
      code: 'never-subscribed',
    });
    expect(await office.databaseOf('town').query('SELECT FROM replay')).toEqual([]);
  });

  it('of what is no longer all kept begins with what is, and breaks no stream', async () => {
    await office.send(...['one', 'two', 'three'].map((text) => ({ street: 'Elm', text })), {
      street: 'Oak',
      text: 'old',
    });
    await office.caughtUp();
    const [two] = await office.post.database.query<{ position: number }>(
      'SELECT position FROM outbox WHERE sequence = 2',
    );
    const gone = `DELETE FROM outbox WHERE position <= ${two!.position} OR key = 'Oak'`;
    await office.post.database.query(gone);
    await office.post.database.query(`UPDATE outbox_dropped SET through = ${two!.position}`);
    await loseBooks();
    await replayTown('beginning');
    await nudge();
    await replayed(1);
    await office.send({ street: 'Elm', text: 'four' }, { street: 'Oak', text: 'young' });
    await replayed(3);
    expect(await office.texts('town', 'Elm')).toEqual(['three', 'four']);
    expect(await office.texts('town', 'Oak')).toEqual(['young']);
    expect(await office.held('town')).toEqual([]);
  });
});

describeOnEach('announcing again', (transport) => {
  /** As a module would: from a table of its own, locked. */
  const streets = (count: number): Announcer => ({
    of: 'streets',
    page: async (tx, after, limit) => {
      const rows = await tx.query<{ n: number }>('SELECT n FROM generate_series($1::int + 1, $2) n LIMIT $3', [
        Number(after ?? 0),
        count,
        limit,
      ]);
      return rows.map(({ n }) => ({
        cursor: String(n),
        message: letterSent({ street: `Street ${n}`, text: 'as it is' }),
      }));
    },
  });

  it('gives a subscriber that came when the log was gone all there is, in pages, on one story', async () => {
    let office = await openPostOffice({ transport, places: ['town'] });
    try {
      await office.send({ street: 'Street 7', text: 'long ago' });
      await office.caughtUp();
      const [last] = await office.post.database.query<{ position: number }>(
        'SELECT max(position) AS position FROM outbox',
      );
      await office.post.database.query('DELETE FROM outbox');
      await office.post.database.query(`UPDATE outbox_dropped SET through = ${last!.position}`);
      await office.close();
      office = await openPostOffice({ transport, database: office.database, places: ['town', 'village'] });
      await office.caughtUp();
      const kept = transport.differs.keptFor === 'topics' ? ['long ago'] : [];
      expect(await office.texts('village')).toEqual(kept);

      const pages: number[] = [];
      const { post } = office;
      const { announced, correlationId } = await republish(post.database, post.outbox, streets(1_100), (n) =>
        pages.push(n),
      );
      expect([announced, pages]).toEqual([1_100, [500, 1_000, 1_100]]);
      await office.caughtUp();
      expect(await office.texts('village')).toHaveLength(kept.length + 1_100);
      expect(await office.texts('village', 'Street 7')).toEqual([...kept, 'as it is']);
      expect(await office.texts('town', 'Street 7')).toEqual(['long ago', 'as it is']);
      const stories = await post.database.query('SELECT DISTINCT correlation_id FROM outbox');
      expect(stories).toEqual([{ correlation_id: correlationId }]);
    } finally {
      await office.demolish();
    }
  });

  it('from a command, reaches the instances at once', async () => {
    const office = await openPostOffice({ transport });
    const command = await openPostOffice({ transport, database: office.database, connected: false });
    try {
      await office.caughtUp();
      await republish(command.post.database, command.post.outbox, streets(3));
      // By the clock they would look after ten seconds.
      await until(async () => (await office.texts('town')).length === 3, 4_000);
    } finally {
      await command.close();
      await office.demolish();
    }
  });

  it('says so where there is nothing', async () => {
    const office = await openPostOffice({ transport, connected: false });
    try {
      expect(await republish(office.post.database, office.post.outbox, streets(0))).toMatchObject({ announced: 0 });
    } finally {
      await office.demolish();
    }
  });
});
