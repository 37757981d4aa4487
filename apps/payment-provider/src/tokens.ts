/** What a single-use token makes the provider do with a capture. */
export interface Behaviour {
  /** What is written into the books. */
  outcome: 'captured' | 'declined';
  reason?: string;
  /** How often a key is answered by a failure of the provider before the books are touched. */
  failures?: number;
  /** How long after it was written the outcome is told, in milliseconds; `never` keeps the caller waiting. */
  answersAfter?: number | 'never';
}

export const behaviours: ReadonlyMap<string, Behaviour> = new Map<string, Behaviour>([
  ['tok_approved', { outcome: 'captured' }],
  ['tok_declined', { outcome: 'declined', reason: 'card-declined' }],
  ['tok_insufficient_funds', { outcome: 'declined', reason: 'insufficient-funds' }],
  ['tok_slow', { outcome: 'captured', answersAfter: 3_000 }],
  ['tok_timeout', { outcome: 'captured', answersAfter: 'never' }],
  ['tok_error', { outcome: 'captured', failures: 2 }],
]);
