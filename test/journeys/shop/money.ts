import { createHash, randomInt } from 'node:crypto';
import { basename } from 'node:path';
import { areRecorded } from './records';

/** Pounds and pence in pence, as the API speaks of money. */
export const gbp = (amount: number) => ({ amount, currency: 'GBP' });

const LEAST = 100_000_000;
const MOST = 90_000_000_000;
/** How many a journey has had so far. */
const made = new Map<string, number>();

/**
 * A price that no other product has, so that what was paid for it is found in anybody's books by its amount. Where runs are
 * compared, a journey has the same in each.
 */
export function unmistakablePrice() {
  return gbp(areRecorded() ? ofThisJourney() : randomInt(LEAST, MOST));
}

function ofThisJourney(): number {
  const { testPath, currentTestName } = expect.getState();
  const journey = `${basename(testPath ?? '')} ${currentTestName}`;
  const number = (made.get(journey) ?? 0) + 1;
  made.set(journey, number);
  const digest = createHash('sha256').update(`${journey} ${number}`).digest();
  return LEAST + (digest.readUIntBE(0, 6) % (MOST - LEAST));
}
