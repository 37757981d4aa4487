import { randomFillSync } from 'node:crypto';

// Asking the system for a few bytes costs as much as for a few thousand, and every request needs some.
const pool = Buffer.alloc(4_096);
let used = pool.length;

/** Random bytes, a few at a time; a view that is overwritten some hundred calls later, so use them at once. */
export function randomBytes(count: number): Buffer {
  if (used + count > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += count;
  return pool.subarray(used - count, used);
}
