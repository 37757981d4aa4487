/** The call moves money or places an order, and came without an Idempotency-Key. */
export class IdempotencyKeyRequired extends Error {
  readonly code = 'idempotency-key-required';
  constructor() {
    super('This call needs an Idempotency-Key header, so that repeating it is safe.');
  }
}

/** The key has been used for another request. */
export class IdempotencyKeyReused extends Error {
  readonly code = 'idempotency-key-reused';
  constructor() {
    super('This Idempotency-Key was used for a different request; use a new key for a new request.');
  }
}

/** A request with the same key is still at work. */
export class RequestInProgress extends Error {
  readonly code = 'request-in-progress';
  constructor() {
    super('A request with this Idempotency-Key is still in progress; try again shortly.');
  }
}

/** The statuses of the refusals above, the same on every route that takes a key. */
export const idempotencyRefusals = new Map<new () => Error & { code: string }, number>([
  [IdempotencyKeyRequired, 400],
  [RequestInProgress, 409],
  [IdempotencyKeyReused, 422],
]);
