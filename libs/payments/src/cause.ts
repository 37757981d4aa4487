import type { Cause } from '@banyan/messaging';
import type { Journey } from '@banyan/telemetry';

/**
 * What the messages of an outcome will answer, to be kept until then: of the command that was received, or of the journey
 * that a caller over HTTP is on.
 */
export function causeOf({ id, correlationId, traceparent, tracestate }: Cause): Cause {
  return { id, correlationId, traceparent, tracestate };
}

/** The journey that whatever follows from the cause is a part of. */
export function journeyOf({ id, correlationId, traceparent, tracestate }: Cause): Journey {
  return {
    correlationId,
    ...(id && { causationId: id }),
    ...(traceparent && { traceparent }),
    ...(tracestate && { tracestate }),
  };
}
