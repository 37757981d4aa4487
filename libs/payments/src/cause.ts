import type { Received } from '@banyan/messaging';

/** What a later message answers: kept with whatever is settled long after the command was handled. */
export type Cause = Pick<Received, 'id' | 'correlationId' | 'traceparent' | 'tracestate'>;

export function causeOf({ id, correlationId, traceparent, tracestate }: Received): Cause {
  return { id, correlationId, traceparent, tracestate };
}
