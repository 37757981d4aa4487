import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { preparation } from '@banyan/persistence';
import { type Writer, rewritten } from './blocks';
import { modulesWithMessages } from './definitions';
import { environmentTable } from './environment-table';
import { heard, NOTE_MISSING, sent, whoTellsWhom } from './message-tables';
import { code, table } from './table';

export interface Document {
  /** From the project's folder. */
  path: string;
  /** As it is. */
  now: string;
  /** As it must be. */
  wanted: string;
  /** Why it cannot be left as it is; undefined if it can. */
  problem: string | undefined;
}

/** The files with generated blocks: the README, that of every module, the script for administrators. `root` is the project's folder. */
export function documents(root: string): Document[] {
  const read = (path: string) => readFileSync(join(root, path), 'utf8');
  const modules = modulesWithMessages();
  const { scriptsHelp } = JSON.parse(read('package.json')) as { scriptsHelp: Record<string, string> };

  const writers: [path: string, writers: Record<string, Writer>][] = [
    [
      'README.md',
      {
        messages: () => whoTellsWhom(modules),
        modules: () => modules.map(({ module }) => `[${module}](libs/${module}/README.md)`).join(', '),
        commands: () =>
          table(
            ['command', 'what it does'],
            Object.entries(scriptsHelp).map(([call, does]) => [code(call), does]),
          ),
        environment: () => environmentTable(read('.env.example')),
      },
    ],
    ['deploy/postgresql/prepare.sql', { preparation: () => modules.map(({ module }) => prepare(module)).join('\n') }],
    ...modules.map((module): [string, Record<string, Writer>] => [
      `libs/${module.module}/README.md`,
      { sends: (now) => sent(module, now), hears: (now) => heard(module, now) },
    ]),
  ];
  return writers.map(([path, blocks]) => {
    const now = read(path);
    const wanted = rewritten(now, blocks);
    return { path, now, wanted, problem: problemOf(now, wanted) };
  });
}

/** For the login that the README calls `shop`. */
function prepare(module: string): string {
  const { createRole, grantRole, createSchema } = preparation(module, 'shop');
  return [createRole, grantRole, createSchema].map((sql) => `${sql};`).join('\n');
}

function problemOf(now: string, wanted: string): string | undefined {
  if (wanted.includes(NOTE_MISSING)) return `has a message that nobody has described yet: look for ${NOTE_MISSING}`;
  if (wanted !== now) return 'is behind the code: npm run docs brings it up to date';
  return undefined;
}
