import { setTimeout as delay } from 'node:timers/promises';
import { exportSubscriber, importSubscriber, PermanentError, type Received } from '@banyan/messaging';
import { arm, disarmFailpoints, timesFired } from '@banyan/failpoints';
import { Database } from '@banyan/persistence';
import { Client } from 'pg';
import { freshDatabase } from '../database/database';
import { letterSent, openPostOffice, Opening, PostOffice, streetPaved } from './post-office';
import { openRelay } from './relay';
import { Transport } from './transports';
import { gate, until } from './waiting';

/*
 * The heart of each promise, as a function of the transport: the promise's own file runs it, and
 * every-promise-can-be-broken.spec.ts sees it fail with a part that breaks the promise.
 */

export type Check = (transport: Transport) => Promise<void>;

const STREETS = ['Elm', 'Oak', 'Ash', 'Fir', 'Yew'];
const places = ['town', 'village'] as const;
const textOf = ({ data }: { data: unknown }) => (data as { text?: string }).text;

async function inOffice(opening: Opening, check: (office: PostOffice) => Promise<void>): Promise<void> {
  const office = await openPostOffice(opening);
  try {
    await check(office);
  } finally {
    jest.restoreAllMocks();
    disarmFailpoints();
    await office.demolish();
  }
}

/** Beside the office stands another one on its database, which commits without a word, as a process without a bus would. */
async function inOfficeAndElsewhere(
  opening: Opening,
  check: (office: PostOffice, elsewhere: PostOffice) => Promise<void>,
): Promise<void> {
  await inOffice(opening, async (office) => {
    const elsewhere = await openPostOffice({ ...opening, database: office.database, connected: false });
    try {
      await check(office, elsewhere);
    } finally {
      await elsewhere.close();
    }
  });
}

// 1. Atomic

export const whatIsRolledBackIsNeverHeard: Check = (transport) =>
  inOffice({ transport }, async (office) => {
    await office.caughtUp();
    const changedMind = office.post.database.transaction(async (tx) => {
      await office.post.outbox.publish(tx, [letterSent({ street: 'Oak', text: 'never' })]);
      throw new Error('changed my mind');
    });
    await expect(changedMind).rejects.toThrow('changed my mind');
    await office.caughtUp();
    await office.send({ street: 'Oak', text: 'first' });
    await office.caughtUp();
    for (const place of places) {
      expect(await office.deliveries(place)).toMatchObject([{ street: 'Oak', text: 'first', sequence: 1 }]);
    }
  });

export const whatIsCommittedWhileNobodyListensIsHeardLater: Check = async (transport) => {
  const closed = await openPostOffice({ transport, connected: false });
  await closed.send({ street: 'Elm', text: 'one' }, { street: 'Elm', text: 'two' });
  await closed.close();
  await inOffice({ transport, database: closed.database }, async (office) => {
    await office.caughtUp();
    expect(await office.texts('town')).toEqual(['one', 'two']);
    expect(await office.texts('village')).toEqual(['one', 'two']);
  });
};

// 2. At least once, effect once

export const whatIsDeliveredAgainHasItsEffectOnce: Check = async (transport) => {
  let delivered = 0;
  const environment = { BUS_MISCHIEF: 'duplicate=1' };
  const behave = (_: unknown, messages: Received[]) => void (delivered += messages.length);
  await inOffice({ transport, environment, behave }, async (office) => {
    const texts = Array.from({ length: 30 }, (_, n) => String(n));
    for (const text of texts) await office.send({ street: 'Elm', text });
    await office.caughtUp();
    expect(await office.texts('town')).toEqual(texts);
    expect(await office.texts('village')).toEqual(texts);
    expect(delivered).toBe(2 * texts.length);
  });
};

export const whatDiesBeforeItsCommitIsReadAgain: Check = async (transport) => {
  let deaths = 0;
  // Longer than the test may take: what is put aside instead of being read again does not come.
  const environment = { BUS_RETRY_FIRST_DELAY_MS: '600000', BUS_RETRY_MAX_DELAY_MS: '600000' };
  const behave: Opening['behave'] = async (place, _, { tx }) => {
    if (place !== 'town' || deaths > 0) return;
    deaths += 1;
    await tx.query('SET LOCAL ROLE NONE');
    await tx.query('SELECT pg_terminate_backend(pg_backend_pid())');
  };
  await inOffice({ transport, environment, behave }, async (office) => {
    await office.send({ street: 'Elm', text: 'one' });
    await office.caughtUp();
    expect([deaths, await office.held('town'), await office.texts('town')]).toEqual([1, [], ['one']]);
  });
};

export const whatFailsAfterItsCommitIsNotDoneAgain: Check = (transport) =>
  inOffice({ transport }, async (office) => {
    arm({ name: 'consumer.after-commit', act: 'throw', hit: null }, 'test');
    await office.send({ street: 'Elm', text: 'one' }, { street: 'Elm', text: 'two' });
    await office.caughtUp();
    expect(timesFired('consumer.after-commit')).toBeGreaterThan(0);
    expect(await office.texts('town')).toEqual(['one', 'two']);
    expect(await office.held('town')).toEqual([]);
  });

// 3. In order per stream

/** Each street as committed is gapless from 1, and each place has heard exactly that, in that order. */
export async function expectEverythingInOrder(office: PostOffice): Promise<void> {
  const rows = await office.post.database.query<{ id: string; key: string; sequence: number }>(
    `SELECT id, key, sequence FROM outbox WHERE topic = 'post.events' ORDER BY position`,
  );
  for (const street of STREETS) {
    const committed = rows.filter(({ key }) => key === street);
    expect(committed.map(({ sequence }) => sequence)).toEqual(committed.map((_, n) => n + 1));
    for (const place of places) {
      const heard = (await office.deliveries(place)).filter((delivery) => delivery.street === street);
      expect(heard.map(({ sequence }) => sequence)).toEqual(committed.map(({ sequence }) => sequence));
      expect(heard.map(({ message_id }) => message_id)).toEqual(committed.map(({ id }) => id));
    }
  }
}

/** Many publishers at once, each with several streets in a transaction, a fifth of them changing their mind. */
export async function sendManyAtOnce(office: PostOffice, publishers: number, rounds: number): Promise<void> {
  const publisher = async (name: number) => {
    for (let round = 0; round < rounds; round += 1) {
      const first = (name + round) % STREETS.length;
      const streets = [first, first, (first + name) % STREETS.length].map((n) => STREETS[n] as string);
      const sending = office.post.database.transaction(async (tx) => {
        await office.post.outbox.publish(
          tx,
          streets.map((street) => letterSent({ street, text: `${name}/${round}` })),
        );
        if ((name + round) % 5 === 0) throw new Error('changed my mind');
      });
      await sending.catch((error: Error) => expect(error.message).toBe('changed my mind'));
    }
  };
  await Promise.all(Array.from({ length: publishers }, (_, name) => publisher(name)));
}

export const everyStreamKeepsItsOrder: Check = (transport) =>
  inOfficeAndElsewhere({ transport }, async (office, elsewhere) => {
    await Promise.all([sendManyAtOnce(office, 8, 15), sendManyAtOnce(elsewhere, 8, 15)]);
    await office.caughtUp();
    await expectEverythingInOrder(office);
    expect((await office.deliveries('town')).length).toBe(2 * 8 * 15 * 3 * 0.8);
  });

// 4. Apart

export const aSlowSubscriberDelaysNoOther: Check = async (transport) => {
  const { opened, open } = gate();
  const seenByVillage: Received[] = [];
  const behave: Opening['behave'] = async (place, messages) => {
    if (place !== 'village') return;
    seenByVillage.push(...messages);
    await opened;
  };
  await inOffice({ transport, behave }, async (office) => {
    try {
      await office.send({ street: 'Oak', text: 'one' });
      await until(() => seenByVillage.length > 0);
      await office.send({ street: 'Oak', text: 'two' });
      await until(async () => (await office.texts('town')).length === 2);
      expect(await office.texts('village')).toEqual([]);
    } finally {
      open();
    }
    await office.caughtUp();
    expect(await office.texts('village')).toEqual(['one', 'two']);
  });
};

// 5. Retried, then parked, never dropped

export const whatFailsForGoodIsParkedAndItsStreamWaits: Check = async (transport) => {
  const environment = { BUS_RETRY_ATTEMPTS: '2', BUS_RETRY_FIRST_DELAY_MS: '20', BUS_RETRY_MAX_DELAY_MS: '40' };
  const behave: Opening['behave'] = (place, messages) => {
    if (place === 'town' && messages.some((message) => textOf(message) === 'poison')) throw new Error('no letter box');
  };
  await inOffice({ transport, environment, behave }, async (office) => {
    const statesIn = async (street: string) =>
      (await office.held('town')).filter((held) => held.street === street).map(({ state }) => state);
    await office.send({ street: 'Oak', text: 'poison' }, { street: 'Ash', text: 'other' });
    await office.send({ street: 'Oak', text: 'second' });
    await office.send({ street: 'Oak', text: 'third' }, { street: 'Ash', text: 'another' });
    await office.caughtUp();
    expect(await office.texts('town', 'Ash')).toEqual(['other', 'another']);
    await until(async () => (await statesIn('Oak'))[0] === 'parked');
    expect(await statesIn('Oak')).toEqual(['parked', 'waiting', 'waiting']);
    expect(await office.texts('town', 'Oak')).toEqual([]);
  });
};

// 6. No gaps

export const whatCommitsLateIsHeard: Check = (transport) =>
  inOfficeAndElsewhere({ transport }, async (office, elsewhere) => {
    const { opened, open } = gate();
    const written = gate();
    const committed = elsewhere.post.database.transaction(async (tx) => {
      await elsewhere.post.outbox.publish(tx, [letterSent({ street: 'Late', text: 'late' })]);
      // Nobody waits for what is published until the commit; once something behind it is answered, it has its position.
      await tx.query('SELECT');
      written.open();
      await opened;
    });
    await written.opened;
    await office.send({ street: 'Early', text: 'early' });
    await office.caughtUp();
    expect(await office.texts('town')).toEqual(['early']);
    open();
    await committed;
    await office.caughtUp();
    for (const place of places) expect(await office.texts(place)).toEqual(['early', 'late']);
  });

// 7. Many instances

/** What another instance does when it takes over, with a lease that will not run out; `leave` ends its session. */
async function takeOverTown(office: PostOffice, { differs }: Transport): Promise<{ leave(): Promise<void> }> {
  const other = new Client({ connectionString: office.database.url });
  await other.connect();
  const key = 4_711;
  await other.query('SELECT pg_advisory_lock($1)', [key]);
  await other.query(
    `UPDATE town.subscription SET epoch = epoch + 1, owner = gen_random_uuid(), presence = $1, lease_until = now() + interval '1 hour'${differs.otherOwner}`,
    [key],
  );
  return { leave: () => other.end() };
}

const townIs = (office: PostOffice, wanted: string) =>
  office.bus.edges().some(({ subscriber, state }) => subscriber === 'town' && state === wanted);

export const aLateOwnerHasNoEffect: Check = (transport) =>
  inOffice({ transport }, async (office) => {
    await office.send({ street: 'Elm', text: 'before' });
    await office.caughtUp();
    const other = await takeOverTown(office, transport);
    try {
      await office.send({ street: 'Elm', text: 'hello' });
      await until(async () => (await office.texts('village')).length === 2);
      await until(() => townIs(office, 'waiting'));
      expect(await office.texts('town')).toEqual(['before']);
    } finally {
      await other.leave();
    }
  });

export const whatADeadOwnerLeavesIsTakenOver: Check = (transport) =>
  inOffice({ transport }, async (office) => {
    await office.send({ street: 'Elm', text: 'before' });
    await office.caughtUp();
    const other = await takeOverTown(office, transport);
    try {
      await office.send({ street: 'Elm', text: 'hello' });
      await until(() => townIs(office, 'waiting'));
    } finally {
      await other.leave();
    }
    await until(async () => (await office.texts('town')).length === 2, 5_000);
  });

// 8. Prompt

const nameOf = (sql: unknown) => (sql as { name?: string }).name;

export const whatIsCommittedHereIsHandedOnInMemory: Check = (transport) =>
  inOffice({ transport }, async (office) => {
    await office.send({ street: 'Elm', text: 'first' });
    await office.caughtUp();
    const query = Database.prototype.query;
    // Whoever reads the log now finds nothing in it.
    const reads = jest.spyOn(Database.prototype, 'query').mockImplementation(function (this: Database, sql, values) {
      return nameOf(sql) === 'outbox.read' ? Promise.resolve([]) : query.call(this, sql, values);
    } as typeof query);
    const texts = Array.from({ length: 50 }, (_, n) => `${n}`);
    for (const text of texts) await office.send({ street: 'Elm', text }, { street: `Street ${text}`, text });
    for (const place of places) await until(async () => (await office.texts(place)).length === 101);
    expect(await office.texts('town', 'Elm')).toEqual(['first', ...texts]);
    expect(reads).toHaveBeenCalled();
  });

/** By the clock an instance looks at a log every ten seconds; this takes less for several messages, one after the other. */
export const whatAnotherInstanceCommitsArrivesAtOnce: Check = (transport) =>
  inOffice({ transport }, async (one) => {
    await one.caughtUp();
    const two = await openPostOffice({ transport, database: one.database });
    try {
      // Whichever of the two consumes for a place.
      for (const [n, sender] of [two, one, two, one].entries()) {
        await sender.send({ street: 'Elm', text: String(n) });
        for (const place of places) await until(async () => (await one.texts(place)).length === n + 1, 3_000);
      }
      for (const place of places) expect(await one.texts(place)).toEqual(['0', '1', '2', '3']);
    } finally {
      await two.close();
    }
  });

/** Of an instance that consumes for two places, and of one that stands by. */
export const nobodyAsksMuchWhileNothingHappens: Check = (transport) =>
  inOffice({ transport }, async (office) => {
    const standby = await openPostOffice({ transport, database: office.database });
    try {
      await Promise.all([office.caughtUp(), standby.caughtUp()]);
      const statements = jest.spyOn(Client.prototype, 'query');
      const seconds = 5;
      // No condition to wait for: the time is what is looked at.
      await delay(seconds * 1_000);
      const perMinute = (statements.mock.calls.length / seconds) * 60;
      // Per module and instance a lease every five seconds and a look at what is held every ten; per edge a look at the log
      // every ten; per module that stands by, a look at the owner every two. Twice that, for what a short time rounds up.
      const expected = 2 * 3 * (12 + 6) + 2 * 6 + 2 * 30;
      expect(perMinute).toBeLessThan(2 * expected);
      expect(perMinute).toBeGreaterThan(0);
    } finally {
      await standby.close();
    }
  });

// 9. Patient

export const anOutageOfASubscriberIsOutlasted: Check = async (transport) => {
  const database = await freshDatabase();
  const relay = await openRelay(database.url);
  const environment = { TOWN_DATABASE_URL: relay.url };
  const texts = Array.from({ length: 200 }, (_, n) => String(n));
  const stateOf = (office: PostOffice, place: string) =>
    office.bus.edges().find(({ subscriber }) => subscriber === place)?.state;
  try {
    await inOffice({ transport, database, environment }, async (office) => {
      await office.send({ street: 'Elm', text: 'before' });
      await office.caughtUp();
      relay.cut();
      for (const text of texts) await office.send({ street: 'Elm', text });
      await office.bus.caughtUp('village');
      expect(await office.texts('village')).toEqual(['before', ...texts]);
      expect(stateOf(office, 'village')).toBe('running');
      await until(() => stateOf(office, 'town') === 'away');

      relay.mend();
      await until(async () => (await office.texts('town')).length === 1 + texts.length);
      expect(await office.texts('town')).toEqual(['before', ...texts]);
      expect(await office.held('town')).toEqual([]);
    });
  } finally {
    await relay.close();
  }
};

// 10. A log, not a queue

export const whatHasBeenHeardStaysUntouched: Check = (transport) =>
  inOffice({ transport }, async (office) => {
    const rows = () =>
      office.post.database.query(`SELECT position, ctid::text, xmin::text, xmax::text, data FROM outbox`);
    await office.send({ street: 'Elm', text: 'one' }, { street: 'Elm', text: 'two' });
    const before = await rows();
    await office.caughtUp();
    expect(await office.texts('town')).toEqual(['one', 'two']);
    expect(before).toHaveLength(2);
    expect(await rows()).toEqual(before);
  });

export const aNewSubscriberBeginsAtTheBeginning: Check = async (transport) => {
  const database = await freshDatabase();
  const early = await openPostOffice({ transport, database, connected: false });
  await early.send({ street: 'Elm', text: 'one' }, { street: 'Oak', text: 'two' });
  await early.close();
  await inOffice({ transport, database, places: ['town'] }, async (first) => {
    await first.caughtUp();
    expect((await first.texts('town')).sort()).toEqual(['one', 'two']);
    await inOfficeAfter(first, { transport, database }, async (later) => {
      await later.send({ street: 'Elm', text: 'three' });
      await later.caughtUp();
      for (const place of places) {
        expect(await later.texts(place, 'Elm')).toEqual(['one', 'three']);
        expect(await later.texts(place, 'Oak')).toEqual(['two']);
      }
    });
  });
};

/** An office on the database of one that closes first. */
async function inOfficeAfter(
  before: PostOffice,
  opening: Opening,
  check: (office: PostOffice) => Promise<void>,
): Promise<void> {
  await before.close();
  const office = await openPostOffice(opening);
  try {
    await check(office);
  } finally {
    await office.close();
  }
}

// 11. The same bytes

const contents: readonly (readonly [what: string, text: string])[] = [
  ['quotes and breaks', '"\\\n\t\u2028'],
  ['other scripts', 'Łódź, 東京, 🏤, e\u0301'],
  ['half a character', '\ud83c'],
  ['nothing', ''],
  ['a lot', 'x'.repeat(500_000)],
];

export const contentSurvivesTheWay: Check = async (transport) => {
  const received: Received[] = [];
  const behave: Opening['behave'] = (place, messages) => void (place === 'town' && received.push(...messages));
  await inOfficeAndElsewhere({ transport, behave }, async (office, elsewhere) => {
    for (const [what, text] of contents) {
      received.length = 0;
      await elsewhere.send({ street: what, text });
      await office.send({ street: what, text });
      await office.caughtUp();
      expect([what, ...received.map((message) => textOf(message) === text)]).toEqual([what, true, true]);
    }
  });
};

export const contentIsReadWithTheSubscribersEyes: Check = async (transport) => {
  const received: Received[] = [];
  const behave: Opening['behave'] = (place, messages) => void (place === 'town' && received.push(...messages));
  await inOfficeAndElsewhere({ transport, behave }, async (office, elsewhere) => {
    await elsewhere.post.database.transaction(async (tx) => {
      await elsewhere.post.outbox.publish(tx, [streetPaved({ street: 'New' })]);
      await tx.query(
        `UPDATE outbox SET type = 'post.letter-sent.v1', data = '{"street":"New","text":"hi","colour":"red"}' WHERE key = 'New'`,
      );
    });
    await office.publish(streetPaved({ street: 'New' }));
    await office.send({ street: 'New', text: 'bye' });
    await office.caughtUp();
    expect(received.map(({ data, sequence }) => ({ data, sequence }))).toEqual([
      { data: { street: 'New', text: 'hi' }, sequence: 1 },
      { data: { street: 'New', text: 'bye' }, sequence: 3 },
    ]);
  });
};

// 12. Movable

export const aMovedSubscriberGoesOn: Check = async (transport) => {
  const there = await freshDatabase();
  const behave: Opening['behave'] = (place, messages) => {
    if (place === 'town' && messages.some((message) => textOf(message) === 'poison')) throw new PermanentError('never');
  };
  const elsewhere = { TOWN_DATABASE_URL: there.url };
  try {
    await inOffice({ transport, behave }, async (here) => {
      const { database } = here;
      const send = (from: number, office: PostOffice) =>
        office.send({ street: 'Elm', text: String(from) }, { street: 'Oak', text: String(from) });
      await here.send({ street: 'Ash', text: 'poison' }, { street: 'Ash', text: 'behind it' });
      for (let n = 0; n < 10; n += 1) await send(n, here);
      await until(async () => (await here.texts('town')).length > 0);
      // Wherever in the flow it is then.
      const exported = await exportSubscriber(here.databaseOf('town'), { subscriber: 'town', source: 'post' });
      for (let n = 10; n < 20; n += 1) await send(n, here);
      await here.bus.caughtUp('village');
      const before = await here.deliveries('town');

      const prepared = await openPostOffice({ transport, database, environment: elsewhere, connected: false });
      await importSubscriber(prepared.databaseOf('town'), exported);
      await prepared.close();
      await inOfficeAfter(here, { transport, behave, database, environment: elsewhere }, async (office) => {
        for (let n = 20; n < 30; n += 1) await send(n, office);
        await office.caughtUp();
        const after = await office.deliveries('town');
        for (const street of ['Elm', 'Oak']) {
          const texts = [...before, ...after].filter((delivery) => delivery.street === street).map(({ text }) => text);
          expect(texts).toEqual(Array.from({ length: 30 }, (_, n) => String(n)));
        }
        expect((await office.held('town')).map(({ state, street }) => `${street} ${state}`)).toEqual([
          'Ash parked',
          'Ash waiting',
        ]);
      });
    });
  } finally {
    await there.drop();
  }
};
