import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

const root = join(__dirname, '../..');
const NOT_OURS = ['node_modules', 'dist', '.banyan', 'coverage'];
const documents = globSync('**/*.md', { cwd: root, exclude: (path) => NOT_OURS.includes(path) }).sort();

describe('links between documents', () => {
  it.each(documents)('of %s lead somewhere', (document) => {
    expect(broken(document, readFileSync(join(root, document), 'utf8'))).toEqual([]);
  });

  it.each([
    ['a file', '[ports](PORTS.md)'],
    ['a file that is somewhere else', '[code](../tools/docs/main.ts)'],
    ['a heading', '[ports](README.md#the-ports-of-heaven)'],
    ['a heading of its own', '[below](#the-ports-of-heaven)'],
  ])('are seen to be broken without %s', (_, link) => {
    expect(broken('README.md', `# Ports\n\n${link}`)).toHaveLength(1);
  });

  it.each([
    ['a file', '[code](tools/docs/main.ts)'],
    ['a folder', '[commands](tools/docs)'],
    ['a heading', '[how](CONTRIBUTING.md#how-to-add-)'],
    ['a heading of its own', '[above](#ports-and-harbours)'],
    ['the web', '[node](https://nodejs.org)'],
    ['nothing, in a block of code', '```md\n[nowhere](nowhere.md)\n```'],
    ['nothing, in code', '`[nowhere](nowhere.md)`'],
  ])('may lead to %s', (_, link) => {
    expect(broken('README.md', `# Ports, and \`harbours\`\n\n${link}`)).toEqual([]);
  });
});

function broken(document: string, text: string): string[] {
  const links = [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link!);
  return links.filter((link) => {
    if (/^[a-z]+:/.test(link)) return false;
    const [path = '', heading] = link.split('#');
    const target = path === '' ? document : normalize(join(dirname(document), path));
    if (!existsSync(join(root, target))) return true;
    if (heading === undefined) return false;
    return !headingsOf(path === '' ? text : readFileSync(join(root, target), 'utf8')).includes(heading);
  });
}

/** The names under which headings are found: lower case, without signs, with hyphens for spaces. */
function headingsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\-_ ]/gu, '')
      .replaceAll(' ', '-'),
  );
}

const withoutCode = (text: string) => text.replaceAll(/^```.*?^```$|`[^`\n]*`(?!\])/gms, '');
