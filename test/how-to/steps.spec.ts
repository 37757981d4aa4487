import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { missingIn, Scratch } from './scratch';
import { stepsIn } from './steps';

const block = (language: string, ...lines: string[]) => ['```' + language, ...lines, '```'].join('\n');

describe('a how-to', () => {
  it('tells which files to make, which to change, and what to run', () => {
    const document = [
      ...['# How to sail', '## 1. The boat', 'Take wood.', '**`boat.ts`**', block('ts', 'export const boat = 1;')],
      ...['## 2. The sea', '**`sea.md`**', block('diff', ' calm', '-flat', '+blue', '@@', '+shore', ' end')],
      ...[block('sh', 'npm run sail'), block('', 'Sailing …')],
      ...['And back:', block('sh', 'npm run home')],
    ].join('\n\n');
    expect(stepsIn(document)).toEqual([
      { section: '1. The boat', does: 'create', file: 'boat.ts', text: 'export const boat = 1;\n' },
      {
        ...{ section: '2. The sea', does: 'change', file: 'sea.md' },
        hunks: [
          { before: 'calm\nflat', after: 'calm\nblue' },
          { before: 'end', after: 'shore\nend' },
        ],
      },
      { section: '2. The sea', does: 'run', command: 'npm run sail', answer: ['Sailing …'] },
      { section: '2. The sea', does: 'run', command: 'npm run home', answer: [] },
    ]);
  });

  it('must say of each block which file it is', () => {
    expect(() => stepsIn(block('ts', 'export {};'))).toThrow('does not say which file');
    expect(() => stepsIn(['**`a.ts`**', 'First:', block('ts', 'export {};')].join('\n\n'))).toThrow('which file');
  });

  it('must end its blocks', () => {
    expect(() => stepsIn('```sh\nnpm start')).toThrow('line 1 has no end');
  });
});

describe('a how-to that is behind the code is caught', () => {
  let folder: string;
  let scratch: Scratch;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'banyan-how-to-of-'));
    scratch = new Scratch({}, folder);
    scratch.create('docs/sea.md', 'calm\nflat\ncalm\n');
  });
  afterAll(async () => {
    await scratch.remove();
    rmSync(folder, { recursive: true });
  });

  it('where it makes a file that is there', () => {
    expect(() => scratch.create('docs/sea.md', 'wild\n')).toThrow('docs/sea.md is there already');
  });

  it('where it changes lines that are not there, or not there only', () => {
    expect(() => scratch.change('docs/sea.md', [{ before: 'wild', after: 'calm' }])).toThrow('0 times instead of once');
    expect(() => scratch.change('docs/sea.md', [{ before: 'calm', after: 'wild' }])).toThrow('2 times instead of once');
    expect(readFileSync(join(scratch.folder, 'docs/sea.md'), 'utf8')).toBe('calm\nflat\ncalm\n');
  });

  it('but not where they are', () => {
    scratch.change('docs/sea.md', [{ before: 'calm\nflat', after: 'calm\nblue' }]);
    expect(readFileSync(join(scratch.folder, 'docs/sea.md'), 'utf8')).toBe('calm\nblue\ncalm\n');
  });

  it('where a command fails, or ends, or answers something else', async () => {
    await expect(scratch.run('echo sinking; exit 3')).rejects.toThrow('ended with 3:\nsinking');
    await expect(scratch.run('echo sinking', ['sailing'])).rejects.toThrow('did not answer “sailing”, but\nsinking');
    await expect(scratch.start('echo sinking', ['sailing'])).rejects.toThrow('has ended:\nsinking');
    await scratch.run('echo sailing since $((40 + 2)) days', ['sailing since … days']);
  });

  it.each([
    ['a whole line', 'sailing home', 'sailing'],
    ['with the same signs', 'sailing (home)', 'sailing .home.'],
  ])('where an answer is not %s', (_, output, answer) => {
    expect(missingIn(output, [answer])).toBe(answer);
  });
});
