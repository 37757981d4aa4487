/**
 * The tokens of the simulated provider, which is the only one that comes with the shop. A real provider's are opaque: with
 * one, accept what its documentation says a token looks like.
 */
export const paymentTokens = [
  'tok_approved',
  'tok_declined',
  'tok_insufficient_funds',
  'tok_slow',
  'tok_timeout',
  'tok_error',
] as const;
