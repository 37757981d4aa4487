import { globSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';

export interface Source {
  /** From the project's root, with forward slashes. */
  path: string;
  text: string;
}

/** Every TypeScript file of these folders, tests included. */
export function sourcesIn(...folders: string[]): Source[] {
  const root = join(__dirname, '../..');
  const files = folders.flatMap((folder) => globSync(`${folder}/**/*.ts`, { cwd: root }));
  return files
    .sort()
    .map((file) => ({ path: file.split(sep).join('/'), text: readFileSync(join(root, file), 'utf8') }));
}
