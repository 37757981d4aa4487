import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { FolderInUse } from './errors';

/** A folder that this process alone works in, until it lets go or dies. */
export interface HeldFolder {
  release(): void;
}

/**
 * Takes the folder for this process, creating it if missing. Throws FolderInUse where a living process has it.
 * The hold ends with the process however it ends, so nothing is ever left behind that a person must remove.
 */
export function holdFolder(folder: string): HeldFolder {
  mkdirSync(folder, { recursive: true });
  // Node has no flock of its own; SQLite's is the one lock within reach that the kernel lifts when its owner is killed.
  const lock = new DatabaseSync(join(folder, 'lock'), { timeout: 0 });
  const owner = join(folder, 'lock.owner');
  try {
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    if (isBusy(error)) throw new FolderInUse(folder, readOwner(owner));
    throw error;
  }
  writeFileSync(owner, `${process.pid}\n`);
  return { release: () => lock.isOpen && lock.close() };
}

function readOwner(file: string): number | null {
  try {
    return Number(readFileSync(file, 'utf8')) || null;
  } catch {
    return null;
  }
}

/** SQLITE_BUSY: somebody else holds the lock. */
const isBusy = (error: unknown) => (error as { errcode?: number }).errcode === 5;
