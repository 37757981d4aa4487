import { randomInt } from 'node:crypto';

/** Pounds and pence in pence, as the API speaks of money. */
export const gbp = (amount: number) => ({ amount, currency: 'GBP' });

/** A price that no other product has, so that what was paid for it is found in anybody's books by its amount. */
export const unmistakablePrice = () => gbp(randomInt(100_000_000, 90_000_000_000));
