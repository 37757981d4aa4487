import { readFile } from 'node:fs/promises';
import { watch } from 'node:fs';
import { dirname } from 'node:path';

// An editor writes, renames and removes within a few milliseconds.
const SETTLES_MS = 50;
// Not every file system tells of changes; whatever it does, a change is seen after this.
const LOOKS_EVERY_MS = 2_000;

/**
 * Calls back with the text of a file whenever it has another one than before; the first time when it differs from `known`.
 * The folder is watched and not the file, since editors put a new file in the place of the old one. While there is no file,
 * there is nothing to tell. Answers how to stop it.
 */
export function watchFile(file: string, known: string, changed: (text: string) => void): () => void {
  let last = known;
  let settling: NodeJS.Timeout | undefined;
  const look = async () => {
    const text = await readFile(file, 'utf8').catch(() => last);
    if (text === last) return;
    last = text;
    changed(text);
  };
  const lookSoon = () => {
    clearTimeout(settling);
    settling = setTimeout(() => void look(), SETTLES_MS);
  };
  const watcher = watch(dirname(file), lookSoon).on('error', () => watcher.close());
  const looking = setInterval(() => void look(), LOOKS_EVERY_MS);
  return () => {
    watcher.close();
    clearInterval(looking);
    clearTimeout(settling);
  };
}
