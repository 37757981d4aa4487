import 'reflect-metadata';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { projectFolder } from '@banyan/development';
import { documents } from './documents';

const HELP = `Writes what is generated in the documents: the messages of the modules, the commands, the environment.

  npm run docs                 writes what has changed; notes that were written by hand are kept
  npm run docs -- --check      writes nothing; exit 1 where a document is behind the code
`;

const BEHIND = 1;
const WRONG_ARGUMENTS = 2;

function run(args: string[]): number {
  const { check, help } = parseArgs({
    args,
    options: { check: { type: 'boolean' }, help: { type: 'boolean' } },
  }).values;
  if (help) {
    process.stdout.write(HELP);
    return 0;
  }
  const root = projectFolder();
  if (!check) {
    for (const { path, now, wanted } of documents(root)) {
      if (wanted === now) continue;
      writeFileSync(join(root, path), wanted);
      process.stdout.write(`${path} written\n`);
    }
  }
  const problems = documents(root).flatMap(({ path, problem }) => (problem ? [`${path} ${problem}`] : []));
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  return problems.length === 0 ? 0 : BEHIND;
}

try {
  process.exitCode = run(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`docs: ${(error as Error).message}\n`);
  process.exitCode = WRONG_ARGUMENTS;
}
