import { join } from 'node:path';

/** Required first by a process with a channel to this one: however this one ends, that one ends with it. */
export const END_WITH_PARENT = join(__dirname, '../../../tools/own-shop/end-with-parent.cjs');

/** How long a shop may take to become ready, and to stop. */
export const START_MS = 90_000;
export const SHUTDOWN_MS = 12_000;
