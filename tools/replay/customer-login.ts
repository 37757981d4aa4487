import { createHash } from 'node:crypto';
import type { Credentials } from '../shop-client/session';

/**
 * The login of a customer of the invoices: the same in every run, so that a run that was killed is carried on by the
 * same people. Not a secret; play invoices only into shops that hold nothing else of value.
 * @param id as the invoices name the customer; empty for the walk-in one
 */
export function customerLogin(id: string): Credentials & { name: string } {
  if (id === '') return login('walk-in', 'Walk-in customer');
  // E-mail addresses know no upper case and few signs: anything but a number goes in as its hash.
  return /^\d{1,20}$/.test(id) ? login(id, `Customer ${id}`) : login(digest(id), `Customer ${id.slice(0, 80)}`);
}

function login(who: string, name: string): Credentials & { name: string } {
  return { email: `customer-${who}@replay.banyan.example`, password: digest(`password of ${who}`), name };
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 24);
}
