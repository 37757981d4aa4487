import { join } from 'node:path';
import { scripts } from '../../package.json';
import { brokenLinks, isScript, npmCommands, pages, type Page } from './markdown';

const root = join(__dirname, '../..');

describe('the documents', () => {
  it('are found', () => {
    expect(pages(root).map(({ path }) => path)).toEqual(expect.arrayContaining(['README.md', 'libs/orders/README.md']));
  });

  it.each(pages(root).map((page) => [page.path, page] as const))('%s links to what is there', (_, page) => {
    expect(brokenLinks(root, page)).toEqual([]);
  });

  it.each(pages(root).map(({ path, text }) => [path, text] as const))('%s names commands that exist', (_, text) => {
    expect(npmCommands(text).filter((command) => !isScript(command, scripts))).toEqual([]);
  });
});

describe('a link', () => {
  const page = (text: string): Page => ({ path: 'libs/orders/README.md', text });

  it.each([
    '[a file that is gone](src/gone.ts)',
    '[out of the project](../../../elsewhere.md)',
    '[a heading that is gone](../../README.md#gone)',
    '[a heading of its own that is gone](#gone)\n\n# Here',
  ])('is missed: %s', (text) => {
    expect(brokenLinks(root, page(text))).toHaveLength(1);
  });

  it.each([
    '[a file](src/index.ts)',
    '[a folder](src)',
    '[a heading](../../README.md#try-to-break-it)',
    '[a heading of its own](#right-here)\n\n## Right here!',
    '[another host](https://example.org/gone)',
    '```\n[no link](gone.md)\n```',
  ])('is found: %s', (text) => {
    expect(brokenLinks(root, page(text))).toEqual([]);
  });
});

describe('a command', () => {
  const missing = (text: string) => npmCommands(text).filter((command) => !isScript(command, scripts));

  it.each(['`npm run gone`', '`npm audit`', '`npm run replay:gone -- FILE`', '```sh\nnpm run --silent gone\n```'])(
    'is missed: %s',
    (text) => {
      expect(missing(text)).toHaveLength(1);
    },
  );

  it.each([
    '`npm start`',
    '```\nPORT=3001 npm start\n```',
    '`npm run audit -- --json`',
    '`npm ci --omit=dev`',
    'npm scripts',
  ])('is found, or is none: %s', (text) => {
    expect(missing(text)).toEqual([]);
  });
});
