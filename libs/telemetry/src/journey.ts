import { AsyncLocalStorage } from 'node:async_hooks';
import { v7 as uuidv7 } from 'uuid';
import { randomBytes } from './random-bytes';
import { continueTrace } from './trace-context';

/** What one piece of work belongs to; it travels through HTTP, the bus and processes, and stands on every log line. */
export interface Journey {
  /** The request or story it belongs to, the same from the first call to the last message. */
  readonly correlationId: string;
  /** The id of the message or command that caused this work. */
  readonly causationId?: string;
  /** The id of the message being handled. */
  readonly messageId?: string;
  /** W3C trace context. */
  readonly traceparent?: string;
  readonly tracestate?: string;
}

const journeys = new AsyncLocalStorage<Journey>();

/** The journey that the caller is on; outside of any, a new one at every call. */
export function currentJourney(): Journey {
  return journeys.getStore() ?? beginJourney();
}

/** The journey that the caller is on, if any. */
export function journeyIfAny(): Journey | undefined {
  return journeys.getStore();
}

/** Does the work, and all that it awaits, on the given journey. */
export function inJourney<T>(journey: Journey, work: () => T): T {
  return journeys.run(journey, work);
}

/**
 * A journey from what a stranger sent. A correlation id is taken when it is 1 to 128 of letters, digits, dot,
 * underscore and hyphen, else made up; a trace is continued when its header is well formed, else begun.
 */
export function beginJourney(
  sent: { correlationId?: unknown; traceparent?: unknown; tracestate?: unknown } = {},
): Journey {
  return { correlationId: correlationIdOf(sent.correlationId), ...continueTrace(sent.traceparent, sent.tracestate) };
}

/** The correlation id that a stranger sent, or a new one where there is none that may be taken; see `beginJourney`. */
export function correlationIdOf(sent: unknown): string {
  return isCorrelationId(sent) ? sent : uuidv7({ random: randomBytes(16) });
}

// The id goes into logs, headers and message attributes, so nothing may pass that any of them could take for syntax.
function isCorrelationId(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Za-z0-9._-]{1,128}$/.test(value);
}
