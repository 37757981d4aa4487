import { IHeaders, KafkaMessage, Message } from 'kafkajs';
import { v5 as uuidv5, validate as isUuid } from 'uuid';
import { isOfCommands, ownerOf } from '../definitions';
import { Attributes, encode, LoggedMessage, MalformedMessage, readAttributes, WireRecord } from '../envelope';
import { Arrival } from '../handlers';

/** Marks what comes from a log whose beginning was gone when it was first carried here: its streams may begin anywhere. */
const BEGINS_LATE = 'banyan_logbeginslate';

// Names what has no id of its own by its place, so that it has the same each time it is read.
const PLACES = 'b7b0ac0e-7a0f-5a86-9d4a-5f6c5e0b7a11';

/** The message as Kafka carries it. */
export function toKafka(module: string, message: LoggedMessage, complete: boolean): Message {
  const { key, headers, value } = encode(module, message);
  return { key, value, headers: complete ? headers : { ...headers, [BEGINS_LATE]: 'true' } };
}

/** A record that was read, and where. */
export interface Placed {
  topic: string;
  partition: number;
  message: KafkaMessage;
}

/** A record as it arrived. One that makes no sense has a flaw, and a place among the subscriber's held messages. */
export function fromKafka({ topic, partition, message }: Placed): Arrival {
  const record: WireRecord = {
    topic,
    key: message.key?.toString() ?? '',
    headers: textOf(message.headers ?? {}),
    value: message.value?.toString() ?? '',
  };
  const beginsLate = record.headers[BEGINS_LATE] === 'true';
  try {
    const at = readAttributes(record);
    if (!isUuid(at.id)) throw new MalformedMessage(`ce_id "${at.id}" is no UUID`);
    if (record.key === '') throw new MalformedMessage('the record has no key');
    return { at, record, ...(beginsLate ? { beginsLate } : {}) };
  } catch (error) {
    if (!(error instanceof MalformedMessage)) throw error;
    return { at: salvaged(record, partition, message), record, flaw: error };
  }
}

/** In place of the source of a message that names none. */
export const UNKNOWN = 'unknown';

const SOURCE = /^\/banyan\/([a-z][a-z0-9-]*)$/;

/**
 * What can be known of a record that makes no sense. With its source, key and sequence it is held in its stream, which
 * waits behind it; without, it is held alone, in a stream named after its place.
 */
function salvaged({ topic, key, headers }: WireRecord, partition: number, message: KafkaMessage): Attributes {
  const { ce_id: id = '', ce_type: type = '', ce_source: from = '', ce_correlationid: correlationId = '' } = headers;
  const place = `${partition}@${message.offset}`;
  const ownId = uuidv5(`${topic}/${place}`, PLACES);
  const source = SOURCE.exec(from)?.[1] ?? sourceOf(topic);
  const sequence = Number(headers['ce_sequence']);
  const inStream = SOURCE.test(from) && key !== '' && Number.isSafeInteger(sequence) && sequence > 0;
  return {
    id: isUuid(id) ? id : ownId,
    source,
    type: type || `${topic}.unreadable`,
    topic,
    key: inStream ? key : place,
    subject: headers['ce_subject'] ?? key,
    sequence: inStream ? sequence : 1,
    time: new Date(Number(message.timestamp)),
    correlationId: correlationId || ownId,
    causationId: undefined,
    traceparent: undefined,
    tracestate: undefined,
  };
}

/** The module that announces on a topic of events; of commands anybody may be the sender. */
export function sourceOf(topic: string): string {
  return isOfCommands(topic) ? UNKNOWN : ownerOf(topic);
}

function textOf(headers: IHeaders): Record<string, string> {
  const text: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    const first = Array.isArray(value) ? value[0] : value;
    if (first !== undefined) text[name] = first.toString();
  }
  return text;
}
