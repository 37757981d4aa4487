import { readFile } from 'node:fs/promises';
import { readFileSync, statSync, watch } from 'node:fs';
import { dirname } from 'node:path';

// An editor writes, renames and removes within a few milliseconds.
const SETTLES_MS = 50;
// Not every file system tells of changes; whatever it does, a change is seen after this.
const LOOKS_EVERY_MS = 2_000;

/**
 * Reads a file, and calls back with its text whenever it has been written since. The folder is watched and not the file, since
 * editors put a new file in the place of the old one; while there is none, there is nothing to tell. Throws Node's error where
 * it cannot be read now.
 */
export function watchFile(file: string, written: (text: string) => void): { text: string; stop: () => void } {
  // In this order: what is written in between is told twice rather than not at all.
  let last = stampOf(file);
  const text = readFileSync(file, 'utf8');
  let settling: NodeJS.Timeout | undefined;
  const look = async () => {
    const stamp = stampOf(file);
    if (stamp === undefined || stamp === last) return;
    const now = await readFile(file, 'utf8').catch(() => undefined);
    // Gone again, or told by another look meanwhile.
    if (now === undefined || stamp === last) return;
    last = stamp;
    written(now);
  };
  const lookSoon = () => {
    clearTimeout(settling);
    settling = setTimeout(() => void look(), SETTLES_MS);
  };
  const watcher = watch(dirname(file), lookSoon).on('error', () => watcher.close());
  const looking = setInterval(() => void look(), LOOKS_EVERY_MS);
  const stop = () => {
    watcher.close();
    clearInterval(looking);
    clearTimeout(settling);
  };
  return { text, stop };
}

/** Differs from one writing to the next, also where the content is the same; undefined where there is no file. */
function stampOf(file: string): string | undefined {
  const stat = statSync(file, { throwIfNoEntry: false, bigint: true });
  return stat && `${stat.ino} ${stat.mtimeNs} ${stat.size}`;
}
