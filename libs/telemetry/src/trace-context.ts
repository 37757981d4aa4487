import { randomBytes } from './random-bytes';

const TRACEPARENT = /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})(-.*)?$/;
const TRACESTATE_MOST_CHARACTERS = 512;

/**
 * The W3C trace context of work that was asked for with these headers: the same trace, a parent id of our own.
 * A malformed or missing `traceparent` begins a trace that is not sampled, and its `tracestate` is dropped.
 */
export function continueTrace(traceparent: unknown, tracestate: unknown): { traceparent: string; tracestate?: string } {
  const spanId = randomBytes(8).toString('hex');
  const parent = typeof traceparent === 'string' ? TRACEPARENT.exec(traceparent) : null;
  // Version 00 has exactly four fields; later versions may add more, which are to be ignored.
  if (!parent || (parent[1] === '00' && parent[4] !== undefined)) {
    return { traceparent: `00-${randomBytes(16).toString('hex')}-${spanId}-00` };
  }
  const sampled = (parseInt(parent[3] as string, 16) & 1) === 1 ? '01' : '00';
  const continued = { traceparent: `00-${parent[2]}-${spanId}-${sampled}` };
  return typeof tracestate === 'string' && tracestate.length > 0 && tracestate.length <= TRACESTATE_MOST_CHARACTERS
    ? { ...continued, tracestate }
    : continued;
}
