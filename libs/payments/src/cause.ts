import type { ReceivedMessage } from '@banyan/messaging';
import type { Journey } from '@banyan/telemetry';

/** What a later message answers; kept with everything that is settled long after its command was handled. */
export type Cause = Pick<ReceivedMessage, 'id' | 'correlationId' | 'traceparent' | 'tracestate'>;

/** The cause as messages are published with it, which is all that the bus reads of what was received. */
export function because(cause: Cause): ReceivedMessage {
  return cause as ReceivedMessage;
}

export function causeOf({ id, correlationId, traceparent, tracestate }: ReceivedMessage): Cause {
  return { id, correlationId, traceparent, tracestate };
}

/** The cause of what a caller asked for over HTTP: the caller's journey, and `id`, what came of the call. */
export function causeOfCall(id: string, { correlationId, traceparent, tracestate }: Journey): Cause {
  return { id, correlationId, traceparent, tracestate };
}

/** The journey that whatever follows from the cause is a part of. */
export function journeyOf({ id, correlationId, traceparent, tracestate }: Cause): Journey {
  return { correlationId, causationId: id, ...(traceparent && { traceparent }), ...(tracestate && { tracestate }) };
}
