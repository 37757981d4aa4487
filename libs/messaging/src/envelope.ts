/*
 * CloudEvents 1.0 in the binary mode of its Kafka binding: attributes are headers with the prefix `ce_`, the value is
 * JSON, the record's key is `partitionkey`. The in-process transport carries the very same records, so that nothing
 * works in one process that would fail over a broker.
 */

export interface WireRecord {
  topic: string;
  key: string;
  headers: Readonly<Record<string, string>>;
  value: string;
}

/** A message as its publisher's log keeps it. */
export interface LoggedMessage {
  /** In the publisher's log; rises within a stream, with gaps. */
  position: number;
  topic: string;
  key: string;
  /** In the stream, from 1, gapless. */
  sequence: number;
  id: string;
  type: string;
  subject: string;
  time: Date;
  correlationId: string;
  causationId: string | null;
  traceparent: string | null;
  tracestate: string | null;
  /** JSON text; these bytes and no others are what travels. */
  data: string;
}

/** What is known of an arriving record before its content is looked at. */
export interface Attributes {
  id: string;
  source: string;
  type: string;
  topic: string;
  key: string;
  subject: string;
  sequence: number;
  time: Date;
  correlationId: string;
  causationId: string | undefined;
  traceparent: string | undefined;
  tracestate: string | undefined;
}

/** A message as a handler sees it. */
export interface ReceivedMessage<Data = unknown> extends Attributes {
  data: Data;
}

/** The record breaks the envelope or the subscriber's schema; trying again would not mend it. */
export class MalformedMessage extends Error {
  readonly code = 'malformed-message';
}

const CONTENT_TYPE = 'application/json';

export function encode(module: string, message: LoggedMessage): WireRecord {
  const headers: Record<string, string> = {
    'content-type': CONTENT_TYPE,
    ce_specversion: '1.0',
    ce_id: message.id,
    ce_source: `/banyan/${module}`,
    ce_type: message.type,
    ce_subject: message.subject,
    ce_time: message.time.toISOString(),
    ce_dataschema: `urn:banyan:schema:${message.type}`,
    ce_partitionkey: message.key,
    ce_sequence: String(message.sequence),
    ce_correlationid: message.correlationId,
  };
  if (message.causationId) headers['ce_causationid'] = message.causationId;
  if (message.traceparent) headers['ce_traceparent'] = message.traceparent;
  if (message.tracestate) headers['ce_tracestate'] = message.tracestate;
  return { topic: message.topic, key: message.key, headers, value: message.data };
}

const SOURCE = /^\/banyan\/([a-z][a-z0-9-]*)$/;

/** Reads the envelope of a record. Throws MalformedMessage where an attribute is missing or makes no sense. */
export function readAttributes(record: WireRecord): Attributes {
  const { headers } = record;
  const source = SOURCE.exec(required(headers, 'ce_source'))?.[1];
  if (source === undefined) throw new MalformedMessage(`ce_source "${headers['ce_source']}" names no module`);
  const sequence = Number(required(headers, 'ce_sequence'));
  if (!Number.isSafeInteger(sequence) || sequence < 1) {
    throw new MalformedMessage(`ce_sequence "${headers['ce_sequence']}" is not a whole number from 1`);
  }
  const time = new Date(required(headers, 'ce_time'));
  if (Number.isNaN(time.getTime())) throw new MalformedMessage(`ce_time "${headers['ce_time']}" is no time`);
  if (required(headers, 'ce_specversion') !== '1.0') throw new MalformedMessage('ce_specversion is not 1.0');
  return {
    id: required(headers, 'ce_id'),
    source,
    type: required(headers, 'ce_type'),
    topic: record.topic,
    key: record.key,
    subject: required(headers, 'ce_subject'),
    sequence,
    time,
    correlationId: required(headers, 'ce_correlationid'),
    causationId: headers['ce_causationid'],
    traceparent: headers['ce_traceparent'],
    tracestate: headers['ce_tracestate'],
  };
}

/** What a log itself says of a message, where the record made of it cannot be read. */
export function attributesInLog(module: string, message: LoggedMessage): Attributes {
  const { id, type, topic, key, subject, sequence, time, correlationId, causationId, traceparent, tracestate } =
    message;
  return {
    ...{ id, source: module, type, topic, key, subject, sequence, time, correlationId },
    causationId: causationId ?? undefined,
    traceparent: traceparent ?? undefined,
    tracestate: tracestate ?? undefined,
  };
}

/** Reads the content of a record. Throws MalformedMessage where it is not the JSON that the header promises. */
export function readContent(record: WireRecord): unknown {
  const contentType = required(record.headers, 'content-type');
  if (contentType !== CONTENT_TYPE) throw new MalformedMessage(`no codec for content-type "${contentType}"`);
  try {
    return JSON.parse(record.value);
  } catch {
    // The parser's own message quotes the content, which may be about a person.
    throw new MalformedMessage('the content is no JSON');
  }
}

function required(headers: WireRecord['headers'], name: string): string {
  const value = headers[name];
  if (value === undefined || value === '') throw new MalformedMessage(`the header ${name} is missing`);
  return value;
}
