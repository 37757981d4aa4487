import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadSettings } from '@banyan/config';
import { command, event, hears } from '@banyan/messaging';
import { z } from 'zod';
import { rewritten } from './blocks';
import { documents } from './documents';
import { environmentTable } from './environment-table';
import { heard, NOTE_MISSING, sent, whoTellsWhom } from './message-tables';

const root = join(__dirname, '../..');

describe('what is generated in the documents', () => {
  it.each(documents(root).map(({ path, problem }) => [path, problem] as const))(
    '%s keeps up with the code',
    (_, problem) => {
      expect(problem).toBeUndefined();
    },
  );
});

const described = { schema: z.object({ boatId: z.string() }), example: { boatId: 'b1' } };
const boatSailed = event({ ...described, type: 'harbour.boat-sailed.v1', key: ({ boatId }) => boatId });
const boatSailedAgain = event({ ...described, type: 'harbour.boat-sailed.v2', key: ({ boatId }) => boatId });
const lightLamp = command({ ...described, type: 'lighthouse.light-lamp.v1', key: ({ boatId }) => boatId });
const hearsOf = (subscriber: string, { kind, type }: { kind: 'event' | 'command'; type: string }) =>
  hears({ ...described, subscriber, kind, type });
const harbour = { module: 'harbour', sends: [boatSailed, boatSailedAgain, lightLamp], hears: [] };
const lighthouse = {
  module: 'lighthouse',
  sends: [],
  hears: [hearsOf('lighthouse', boatSailed), hearsOf('lighthouse', lightLamp)],
};

describe('the map of messages', () => {
  it('says who tells whom, who asks whom, and what nobody here hears', () => {
    expect(whoTellsWhom([harbour, lighthouse])).toBe(
      [
        '| module  |                           | messages         |',
        '| ------- | ------------------------- | ---------------- |',
        '| harbour | tells lighthouse          | `boat-sailed`    |',
        '| harbour | tells whoever will listen | `boat-sailed.v2` |',
        '| harbour | asks lighthouse           | `light-lamp`     |',
      ].join('\n'),
    );
  });
});

describe("a module's messages", () => {
  it('keep the notes that were written by hand, and show where one is missing', () => {
    const before =
      '| wire name | kind | key | when |\n| --- | --- | --- | --- |\n| `harbour.boat-sailed.v1` | event | x | at dawn |';
    const after = sent(harbour, before);
    expect(after).toMatch(/^\| `harbour.boat-sailed.v1` +\| event +\| boatId \| at dawn +\|$/m);
    expect(after).toMatch(
      new RegExp(`^\\| \`lighthouse.light-lamp.v1\` .*${NOTE_MISSING.replaceAll(/[()]/g, '\\$&')}`, 'm'),
    );
  });

  it('lose the note of a message that is gone', () => {
    const before = '| a | b | c |\n| --- | --- | --- |\n| `harbour.boat-sank.v1` | event | weeps |';
    expect(heard(lighthouse, before)).not.toContain('weeps');
  });

  it('may be none', () => {
    expect(heard(harbour, '')).toBe('Nothing.');
  });
});

describe('a block', () => {
  const writers = { tide: () => 'high' };

  it('is written anew, and nothing around it', () => {
    const text = 'Before.\n\n<!-- docs:tide -->\n\nlow\n\n<!-- docs:end -->\n\nAfter.\n';
    expect(rewritten(text, writers)).toBe(text.replace('low', 'high'));
  });

  it('may lie in SQL, too', () => {
    expect(rewritten('-- docs:tide\nlow\n-- docs:end\n', writers)).toBe('-- docs:tide\n\nhigh\n\n-- docs:end\n');
  });

  it('must be there for whatever is generated', () => {
    expect(() => rewritten('Nothing here.', writers)).toThrow('no block for tide');
  });

  it('must have a name that is known', () => {
    expect(() => rewritten('<!-- docs:wind -->\n<!-- docs:end -->', {})).toThrow('under the name wind');
  });
});

describe('.env.example', () => {
  const text = readFileSync(join(root, '.env.example'), 'utf8');

  it('shows the real defaults: uncommented, they change nothing', () => {
    const shown = Object.fromEntries(
      [...text.matchAll(/^# ([A-Z][A-Z0-9_]*)=(.+)$/gm)].map(([, name, preset]) => [name as string, preset as string]),
    );
    expect(Object.keys(shown).length).toBeGreaterThan(20);
    const given = { DATABASE_URL: 'postgres://shop@127.0.0.1/shop' };
    expect(JSON.stringify(loadSettings({ ...shown, ...given }))).toBe(JSON.stringify(loadSettings(given)));
  });

  it('gives the table its headings, its order and the meaning of what @banyan/config does not know', () => {
    const table = environmentTable(text);
    expect(table).toContain('| **Database** ');
    expect(table).toMatch(/^\| `ORDERS_DATABASE_URL` .*any module can have its own\./m);
    expect(table.indexOf('`PORT`')).toBeLessThan(table.indexOf('`DATABASE_URL`'));
  });
});
