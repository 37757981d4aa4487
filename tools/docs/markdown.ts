import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize, sep } from 'node:path';

export interface Page {
  /** From the project's folder, with forward slashes. */
  path: string;
  text: string;
}

/** Every Markdown file of the project. */
export function pages(root: string): Page[] {
  return globSync('**/*.md', { cwd: root, exclude: (name) => ['node_modules', 'dist', 'coverage'].includes(name) })
    .map((file) => ({ path: file.split(sep).join('/'), text: readFileSync(join(root, file), 'utf8') }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

const LINK = /\]\(([^()\s]+)\)/g;

/** The links of a page that lead nowhere, as written. Those to other hosts are not followed. */
export function brokenLinks(root: string, { path, text }: Page): string[] {
  return [...withoutCode(text).matchAll(LINK)]
    .map(([, target]) => target as string)
    .filter((target) => !/^[a-z]+:/.test(target) && !leadsSomewhere(root, path, text, target));
}

function leadsSomewhere(root: string, path: string, text: string, target: string): boolean {
  const [file = '', anchor] = target.split('#', 2);
  const found = file === '' ? path : normalize(join(dirname(path), file));
  if (found.startsWith('..') || !existsSync(join(root, found))) return false;
  if (anchor === undefined) return true;
  const page = file === '' ? text : statSync(join(root, found)).isFile() ? readFileSync(join(root, found), 'utf8') : '';
  return anchorsIn(page).has(anchor);
}

/** As code hosts make them of headings. */
function anchorsIn(text: string): Set<string> {
  const headings = withoutCode(text).matchAll(/^#+ (.+)$/gm);
  const anchors = [...headings].map(([, heading]) =>
    (heading as string)
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
  return new Set(anchors);
}

const withoutCode = (text: string) => text.replaceAll(/^```[\s\S]*?^```/gm, '');

const NPM_ITSELF = new Set(['ci', 'install', 'i']);

/** The npm commands that a page names in code, whether of this project or not: `start`, `run audit`. */
export function npmCommands(text: string): string[] {
  const inCode = [...text.matchAll(/^```[\s\S]*?^```|`[^`\n]+`/gm)].join('\n');
  const named = [...inCode.matchAll(/\bnpm (run )?(?:--silent )?([a-z][a-z:-]*)/g)].map(
    ([, run = '', name]) => `${run}${name}`,
  );
  return [...new Set(named)].filter((command) => !NPM_ITSELF.has(command));
}

/** Whether npm would find the command: `npm start` and `npm test` need no `run`. */
export function isScript(command: string, scripts: Readonly<Record<string, string>>): boolean {
  const name = command.replace(/^run /, '');
  return Object.hasOwn(scripts, name) && (command.startsWith('run ') || ['start', 'test'].includes(name));
}
