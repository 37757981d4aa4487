import { randomFillSync } from 'node:crypto';

const TRACEPARENT = /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})(-.*)?$/;
const TRACESTATE_MOST_CHARACTERS = 512;

/**
 * The W3C trace context of work that was asked for with these headers: the same trace, a parent id of our own.
 * A malformed or missing `traceparent` begins a trace that is not sampled, and its `tracestate` is dropped.
 */
export function continueTrace(traceparent: unknown, tracestate: unknown): { traceparent: string; tracestate?: string } {
  const spanId = randomHex(8);
  const parent = typeof traceparent === 'string' ? TRACEPARENT.exec(traceparent) : null;
  // Version 00 has exactly four fields; later versions may add more, which are to be ignored.
  if (!parent || (parent[1] === '00' && parent[4] !== undefined)) {
    return { traceparent: `00-${randomHex(16)}-${spanId}-00` };
  }
  const sampled = (parseInt(parent[3] as string, 16) & 1) === 1 ? '01' : '00';
  const continued = { traceparent: `00-${parent[2]}-${spanId}-${sampled}` };
  return typeof tracestate === 'string' && tracestate.length > 0 && tracestate.length <= TRACESTATE_MOST_CHARACTERS
    ? { ...continued, tracestate }
    : continued;
}

// Asking the system for a few bytes costs as much as for a few thousand, and every request needs some.
const pool = Buffer.alloc(4_096);
let used = pool.length;

function randomHex(bytes: number): string {
  if (used + bytes > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += bytes;
  return pool.toString('hex', used - bytes, used);
}
