import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = join(__dirname, '../../docs/adr');
const read = (file: string) => readFileSync(join(folder, file), 'utf8');
const headings = (text: string) => [...text.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading);
const decisions = readdirSync(folder)
  .filter((file) => /^\d{4}-/.test(file))
  .sort();

describe('decisions', () => {
  it('are numbered without a gap, and listed', () => {
    expect(decisions.map((file) => Number(file.slice(0, 4)))).toEqual(decisions.map((_, n) => n + 1));
    const listed = [...read('README.md').matchAll(/^\| \[(\d{4})\]\((.+?)\)/gm)].map(([, number, file]) => [
      number,
      file,
    ]);
    expect(listed).toEqual(decisions.map((file) => [file.slice(0, 4), file]));
  });

  it.each(decisions)('%s follows the template, on one page', (file) => {
    const text = read(file);
    expect(text.startsWith(`# ${file.slice(0, 4)}. `)).toBe(true);
    expect(text).toMatch(/^- Status: (proposed|accepted|superseded by .+)\n- Date: \d{4}-\d{2}-\d{2}$/m);
    expect(headings(text)).toEqual(headings(read('template.md')));
    expect(text).toMatch(/\bWe will /);
    expect(text.split('\n').length).toBeLessThan(66);
  });
});
