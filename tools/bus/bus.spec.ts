import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { PermanentError, republish, type Announcer } from '@banyan/messaging';
import { partiesOf } from '../../test/bus/parties-of';
import { type Behaviour, letterSent, openPostOffice, type PostOffice } from '../../test/bus/post-office';
import { until } from '../../test/bus/waiting';
import * as parked from './parked';
import type { Party } from './parties';
import * as replay from './replay';
import * as republishing from './republish';
import * as status from './status';
import { busStatus } from './status';
import type { LookAtTopics } from './topics';
import * as trace from './trace';

const streets: Announcer = {
  of: 'streets',
  page: async (_tx, after) =>
    after === null ? [{ cursor: 'Elm', message: letterSent({ street: 'Elm', text: 'as it is' }) }] : [],
};
const why = ['--why', 'the letter box is back'];

// The suite of the bus sees these commands on a real one.
let topics: LookAtTopics;

describe('called wrongly', () => {
  const nowhere = {
    url: 'postgres://127.0.0.1:1/none',
    transactionTimeoutMs: 1,
    publishes: [],
    hears: [],
    migrations: [],
  };
  const strangers: Party[] = ['post', 'village'].map((module) => ({ module, announcers: [], ...nowhere }));

  it.each([
    ['an act without a reason', ['redrive', '--all'], 'Say why'],
    ['all without saying so', ['redrive', ...why], 'or --all'],
    ['a filter and all', ['redrive', '--all', '--key', 'Elm', ...why], 'or --all'],
    ['a discarding by filter', ['discard', '--key', 'Elm', ...why], 'nothing is discarded by filter'],
    ['an id that is none', ['show', 'Elm'], 'no id'],
    ['an edit without a content', ['edit', '0199f6f0-5a3c-7cc2-9d10-3f0a5b7e1c01', ...why], '--file'],
    ['a module that is not there', ['list', '--module', 'moon'], 'There is no module moon'],
    ['a time that is none', ['list', '--since', 'tea'], '--since'],
    ['another word', ['resend'], 'is not one of'],
  ])('parked refuses %s', async (_, args, says) => {
    await expect(parked.run(args, strangers)).rejects.toThrow(says);
  });

  it.each([
    ['nowhere to go back to', ['village', 'post', ...why], '--from'],
    ['half an edge', ['village', ...why], 'Name the subscriber and the source'],
    ['no reason', ['village', 'post', '--from', '1'], 'Say why'],
    ['another time', ['village', 'post', '--from', 'tea', ...why], '--from'],
  ])('replay refuses %s', async (_, args, says) => {
    await expect(replay.run(args, strangers)).rejects.toThrow(says);
  });
});

let inTown: Behaviour;
let office: PostOffice;
let parties: Party[];

describe('on a post office', () => {
  beforeEach(async () => {
    inTown = (_, messages) => {
      if (messages.some(({ data }) => (data as { text?: string }).text === 'poison'))
        throw new PermanentError('no letter box');
    };
    office = await openPostOffice({
      behave: (place, messages, handling) => (place === 'town' ? inTown(place, messages, handling) : undefined),
    });
    parties = partiesOf(office, [streets]);
    topics = () => Promise.reject(new Error('nobody needs it'));
  });
  afterEach(() => office.demolish());

  // Left alone, the office finds what the command made due within ten seconds.
  const handledAll = async () => {
    office.bus.madeDue('town');
    await until(async () => (await office.held('town')).length === 0);
  };

  describe('status', () => {
    it('tells of each edge how far it is and who consumes, and of each module what it holds', async () => {
      await park('Elm');
      const { edges, relays, kafkaAway, modules } = await busStatus(parties, topics);
      expect(edges.map(({ source, subscriber, topics }) => [source, subscriber, topics])).toEqual([
        ['post', 'town', ['post.events', 'town.commands']],
        ['post', 'village', ['post.events']],
      ]);
      expect(edges[0]).toMatchObject({ transport: 'in-process', behind: 0, oldest: null, attended: true });
      expect([relays, kafkaAway]).toEqual([[], null]);
      expect(modules).toEqual([
        { module: 'post', parked: 0, retrying: 0, waiting: 0, oldestParked: null },
        { module: 'town', parked: 1, retrying: 0, waiting: 1, oldestParked: expect.any(Date) },
        { module: 'village', parked: 0, retrying: 0, waiting: 0, oldestParked: null },
      ]);
      const { code, out } = await run(status);
      expect(out).toMatch(/post → town .* 0 /);
      expect(code).toBe(0);
      expect((await run(status, '--check')).code).toBe(1);
    });

    it('counts what nobody has taken over, and sees that nobody is there', async () => {
      await office.send({ street: 'Elm', text: 'one' });
      await office.caughtUp();
      await office.close();
      const before = new Date();
      const stopped = await openPostOffice({ database: office.database, connected: false });
      await stopped.send({ street: 'Elm', text: 'two' }, { street: 'Oak', text: 'uno' });
      await stopped.close();
      const { edges } = await busStatus(parties, topics);
      expect(edges).toMatchObject([
        { subscriber: 'town', behind: 2, attended: false },
        { subscriber: 'village', behind: 2, attended: false },
      ]);
      expect(edges[0]!.oldest!.getTime()).toBeGreaterThanOrEqual(before.getTime());
      expect((await run(status, '--check')).code).toBe(0);
      expect((await run(status)).out).toContain('gone');
      office = await openPostOffice({ database: office.database });
    });

    it('does not count what lies above a gap and has been handled', async () => {
      await office.post.database.query(`SELECT nextval('outbox_position')`);
      await office.send({ street: 'Elm', text: 'one' });
      await office.caughtUp();
      const { edges } = await busStatus(parties, topics);
      expect(edges[0]).toMatchObject({ behind: 0 });
      expect(edges[0]!.position).toBeLessThan(2);
    });
  });

  // Without a Kafka: with rows as an app leaves them that has consumed over one and ended.
  describe('status over Kafka', () => {
    let unreadSince: Date;

    beforeEach(async () => {
      await office.send({ street: 'Elm', text: 'one' }, { street: 'Oak', text: 'uno' }, { street: 'Elm', text: 'two' });
      await office.caughtUp();
      await office.send({ street: 'Elm', text: 'three' });
      await office.close();
      const closed = await openPostOffice({ database: office.database, connected: false });
      await closed.send({ street: 'Oak', text: 'due' }, { street: 'Elm', text: 'four' });
      // The first three messages, and one more, are in the topic; the town has read those three.
      await closed.post.database.query(
        `INSERT INTO relay (topic, topics, position, complete, epoch, owner, presence, lease_until)
         SELECT 'post.events', '{post.events}', position, true, 1, gen_random_uuid(), 1, now() FROM outbox WHERE sequence = 3`,
      );
      const [unread] = await closed.post.database.query<{ time: Date }>('SELECT time FROM outbox WHERE sequence = 3');
      unreadSince = unread!.time;
      const town = closed.databaseOf('town');
      await town.query(`UPDATE subscription SET transport = 'kafka'`);
      await town.query(`UPDATE stream_memory SET last_sequence = 2 WHERE key = 'Elm'`);
      await town.query(
        `INSERT INTO kafka_position (source, topic, partition, next_offset)
         VALUES ('post', 'post.events', 0, 2), ('post', 'post.events', 1, 1)`,
      );
      await closed.close();
    });
    afterEach(async () => {
      office = await openPostOffice({ database: office.database });
    });
    const held = [
      { low: 0, high: 3 },
      { low: 0, high: 1 },
    ];

    it('counts what is not sent yet, and what is sent and not read', async () => {
      const asked: string[] = [];
      topics = async (names) => {
        asked.push(...names);
        return new Map([['post.events', held]]);
      };
      const { edges, relays, kafkaAway } = await busStatus(parties, topics);
      expect(edges[0]).toMatchObject({
        ...{ subscriber: 'town', transport: 'kafka', behind: 3, overKafka: { unsent: 2, unread: 1 } },
        ...{ oldest: unreadSince, owner: null, instances: 0, attended: false },
      });
      expect(edges[1]).toMatchObject({ subscriber: 'village', transport: 'in-process', overKafka: null });
      expect(relays).toMatchObject([{ source: 'post', topic: 'post.events', behind: 2, attended: false }]);
      expect([asked.sort(), kafkaAway]).toEqual([['post.events', 'town.commands'], null]);
      const { out } = await run(status);
      expect(out).toMatch(/post → town .* kafka .* 3 .* gone/);
      expect(out).toMatch(/post → kafka .* post\.events .* 2 .* gone/);
    });

    it('says what it cannot know while Kafka is away, and shows the rest', async () => {
      topics = () => Promise.reject(new Error('connect ECONNREFUSED'));
      const { edges, kafkaAway } = await busStatus(parties, topics);
      expect(edges[0]).toMatchObject({ behind: 2, overKafka: { unsent: 2, unread: null } });
      expect(kafkaAway).toBe('connect ECONNREFUSED');
      const { out, code } = await run(status);
      expect(out).toMatch(/post → town .* 2 \+ \? /);
      expect(out).toContain('could not be asked: connect ECONNREFUSED');
      expect(code).toBe(0);
    });
  });

  describe('trace', () => {
    it('tells a story in causal order, with what became of each message where it was heard', async () => {
      await office.send({ street: 'Elm', text: 'one' });
      const [first] = await office.post.database.query<{ id: string; correlation_id: string }>('SELECT * FROM outbox');
      const cause = { id: first!.id, correlationId: first!.correlation_id };
      await office.publish(
        letterSent({ street: 'Elm', text: 'answer' }, cause),
        letterSent({ street: 'Oak', text: 'copy' }, cause),
      );
      await office.caughtUp();

      const ofKey = await trace.trace(parties, 'Elm');
      expect(ofKey.map(({ key, sequence, depth }) => [key, sequence, depth])).toEqual([
        ['Elm', 1, 0],
        ['Elm', 2, 1],
      ]);
      const ofStory = await trace.trace(parties, cause.correlationId);
      expect(ofStory.map(({ key, sequence, depth }) => [key, sequence, depth])).toEqual([
        ['Elm', 1, 0],
        ['Elm', 2, 1],
        ['Oak', 1, 1],
      ]);
      expect(ofStory[0]).toMatchObject({ id: first!.id, sinceFirstMs: 0, module: 'post' });
      expect(
        ofStory.map(({ reactions }) => reactions.map(({ subscriber, state }) => `${subscriber} ${state}`)),
      ).toEqual(Array(3).fill(['town handled', 'village handled']));
      expect((await trace.trace(parties, first!.id)).map(({ id }) => id)).toEqual([first!.id]);
      expect((await run(trace, 'Elm')).out).toMatch(/\+0\.000 s {2}post\.letter-sent\.v1 +post #1 → town .*handled/);
    });

    it('tells of what is held, with its error, and of what was done with it', async () => {
      const [id] = await park('Elm');
      const [poison, behind] = await trace.trace(parties, 'Elm');
      expect(poison!.reactions).toMatchObject([
        { subscriber: 'town', state: 'parked', attempts: 1, error: 'Error: no letter box' },
        { subscriber: 'village', state: 'handled' },
      ]);
      expect(behind!.reactions).toMatchObject([{ state: 'waiting' }, { state: 'handled' }]);
      await run(parked, 'discard', id!, ...why);
      const [discarded] = await trace.trace(parties, 'Elm');
      expect(discarded!.reactions[0]).toMatchObject({ state: 'discarded', acts: [{ act: 'discarded', why: why[1] }] });
    });

    it('exits 1 where nothing is known', async () => {
      expect(await run(trace, 'Nowhere')).toMatchObject({ code: 1, out: expect.stringContaining('No log') });
    });
  });

  describe('parked', () => {
    it('lists by filter, and shows one with its content', async () => {
      const [elm] = await park('Elm', 'Oak');
      expect(await json(parked)).toHaveLength(2);
      expect(await json(parked, '--key', 'Elm', '--code', 'permanent-error', '--module', 'town')).toMatchObject([
        { module: 'town', id: elm, waitingBehind: 1 },
      ]);
      expect(await json(parked, '--since', '2999-01-01')).toEqual([]);
      expect((await run(parked, 'list', '--limit', '1')).out).toContain('There are more');
      expect((await run(parked, 'show', elm!)).out).toMatch(
        /parked in town .*waiting behind it: 1[^]*"text": "poison"/,
      );
    });

    it('redrives one, recorded with the account on this machine', async () => {
      const [elm] = await park('Elm');
      inTown = () => undefined;
      expect(await run(parked, 'redrive', elm!, ...why)).toEqual({ code: 0, out: `town: ${elm} redriven.\n` });
      await handledAll();
      expect(await office.texts('town')).toEqual(['poison', 'behind']);
      const acts = await office.databaseOf('town').query('SELECT act, who, why FROM held_message_act');
      expect(acts).toEqual([{ act: 'redriven', who: userInfo().username, why: why[1] }]);
    });

    it('redrives by filter, or all', async () => {
      await park('Elm', 'Oak');
      expect(await json(parked, 'redrive', '--key', 'Elm', ...why)).toEqual([
        { module: 'post', redriven: 0 },
        { module: 'town', redriven: 1 },
        { module: 'village', redriven: 0 },
      ]);
      expect((await run(parked, 'redrive', '--all', '--module', 'town', ...why)).out).toMatch(/town: [12] redriven/);
    });

    it('edits, and refuses what could not be read', async () => {
      const [elm] = await park('Elm');
      const folder = mkdtempSync(join(tmpdir(), 'banyan-bus-'));
      const file = join(folder, 'content.json');
      try {
        writeFileSync(file, '{"street": "Elm"}');
        const refused = await run(parked, 'edit', elm!, '--file', file, ...why);
        expect(refused).toMatchObject({ code: 1, out: expect.stringContaining('text:') });
        writeFileSync(file, '{"street": "Elm", "text": "mended"}');
        expect((await run(parked, 'edit', elm!, '--file', file, '--who', 'Ada', ...why)).code).toBe(0);
        await handledAll();
        expect(await office.texts('town')).toEqual(['mended', 'behind']);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });

    it('discards, and says which it could not', async () => {
      const [elm, oak] = await park('Elm', 'Oak');
      await run(parked, 'discard', elm!, ...why);
      const { code, out } = await run(parked, 'discard', elm!, oak!, ...why);
      expect(code).toBe(1);
      expect(out).toContain(`No message ${elm} is held`);
      expect(out).toContain(`${oak} discarded.`);
    });
  });

  describe('replay', () => {
    it('puts a subscriber back, and says how far', async () => {
      await office.send({ street: 'Elm', text: 'one' }, { street: 'Oak', text: 'uno' });
      await office.caughtUp();
      await office.databaseOf('village').query('DELETE FROM delivery');
      expect(await json(replay, 'village', 'post', '--from', 'beginning', ...why)).toMatchObject({
        ...{ topics: ['post.events'], to: 0, streams: 2, messages: 2 },
      });
      await office.send({ street: 'Elm', text: 'two' });
      await until(async () => (await office.texts('village')).length === 3);
      expect(await office.texts('village', 'Elm')).toEqual(['one', 'two']);
      expect(await office.texts('town', 'Elm')).toEqual(['one', 'two']);
    });

    it('refuses an edge that is none, and the future', async () => {
      await office.send({ street: 'Elm', text: 'one' });
      await office.caughtUp();
      const refused = (...args: string[]) => expect(replay.run([...args, ...why], parties)).rejects;
      await refused('post', 'village', '--from', '1').toThrow('never consumed anything');
      await refused('village', 'post', '--from', '99').toThrow('lies ahead');
    });
  });

  describe('republish', () => {
    it('tells what can be announced, and announces it to the running office', async () => {
      expect((await run(republishing)).out).toContain('post  streets');
      expect(await json(republishing, 'post', 'streets')).toMatchObject([{ of: 'streets', announced: 1 }]);
      await until(async () => (await office.texts('village')).length === 1);
      expect(await office.texts('village', 'Elm')).toEqual(['as it is']);
    });

    it('announces what a stopped office hears of when it starts', async () => {
      await office.close();
      expect((await run(republishing, 'post')).code).toBe(0);
      office = await openPostOffice({ database: office.database });
      await office.caughtUp();
      expect(await office.texts('town')).toEqual(['as it is']);
      expect(await republish(office.post.database, office.post.outbox, streets)).toMatchObject({ announced: 1 });
    });

    it('refuses what nobody knows', async () => {
      await expect(republishing.run(['post', 'rivers'], parties)).rejects.toThrow(
        'post knows no rivers, only streets.',
      );
      await expect(republishing.run(['town'], parties)).rejects.toThrow('town announces nothing again.');
    });
  });
});

interface Command {
  run(args: string[], parties: readonly Party[], topics: LookAtTopics): Promise<number>;
}

/** Runs a command, and answers its exit code and what it printed. */
async function run(command: Command, ...args: string[]) {
  let out = '';
  const written = jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text);
    return true;
  });
  try {
    const code = await command.run(args, parties, topics);
    return { code, out };
  } finally {
    written.mockRestore();
  }
}
const json = async (command: Command, ...args: string[]) => JSON.parse((await run(command, ...args, '--json')).out);

async function park(...streetsOfPoison: string[]): Promise<string[]> {
  await office.send(...streetsOfPoison.flatMap((street) => ['poison', 'behind'].map((text) => ({ street, text }))));
  await office.caughtUp();
  const listed = (await json(parked)) as { id: string; key: string }[];
  return streetsOfPoison.map((street) => listed.find(({ key }) => key === street)!.id);
}
