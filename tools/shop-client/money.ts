import type { Money } from './answers';

/** For people: `£148,580.87`. */
export function written({ amount, currency }: Money): string {
  return new Intl.NumberFormat('en-GB', { style: 'currency', currency }).format(amount / 100);
}
