import { z } from 'zod';
import { ReceivedMessage } from './envelope';

/*
 * Terminology
 *   definition     what a module says of a message that it sends: wire name, key, schema, example
 *   subscription   what a module says of a message that it hears: wire name and the fields that it needs
 *   topic          where messages of one kind of one module go: `<module>.events`, `<module>.commands`
 */

export type MessageKind = 'event' | 'command';

interface Described<Data> {
  /** The wire name, `<module>.<what>.v<version>`; for a command the module is the one that is asked. */
  type: string;
  schema: z.ZodType<Data>;
  /** A message as it could really be sent; contracts and documents are made of it. */
  example: NoInfer<Data>;
}

/** What a module sends: an event of its own, or a command to another module. */
export interface Sendable<Data = unknown> extends Described<Data> {
  kind: MessageKind;
  topic: string;
  /** The key of the stream that the message belongs to: what it must stay in order with. */
  keyOf(data: Data): string;
}

export interface MessageDefinition<Data> extends Sendable<Data> {
  /** A message with this content, to be published. `because` names the message that it answers, inside a handler always. */
  (data: Data, because?: Cause): Outgoing<Data>;
}

/** What a message answers: usually the received message itself. Without an id it goes on a story that no message caused. */
export interface Cause {
  id?: string | undefined;
  correlationId: string;
  traceparent?: string | undefined;
  tracestate?: string | undefined;
}

/** A message on its way into the outbox. */
export interface Outgoing<Data = unknown> {
  definition: Sendable<Data>;
  data: Data;
  because?: Cause | undefined;
}

export interface Subscription<Data = unknown> extends Described<Data> {
  /** The module that listens. */
  subscriber: string;
  kind: MessageKind;
  topic: string;
  /** Fields of the content, at its top, that no operator may see: shown masked, and kept as they are by an edit. */
  secrets: readonly string[];
}

/** A message as the handler of a subscription gets it: its attributes, and `data` as the subscription's schema reads it. */
export type Received<Heard = unknown> = ReceivedMessage<Heard extends Subscription<infer Data> ? Data : Heard>;

/** A fact that the module in the wire name announces. */
export function event<Data>(
  described: Described<Data> & { key(data: NoInfer<Data>): string },
): MessageDefinition<Data> {
  return define('event', described);
}

/** A request to the module in the wire name; declared by whoever sends it. */
export function command<Data>(
  described: Described<Data> & { key(data: NoInfer<Data>): string },
): MessageDefinition<Data> {
  return define('command', described);
}

/** What a module hears from others, with a schema of its own that names only the fields it needs. */
export function hears<Data>(
  described: Described<Data> & { subscriber: string; kind: MessageKind; secrets?: readonly (keyof Data & string)[] },
): Subscription<Data> {
  return { secrets: [], ...described, topic: topicOf(described.type, described.kind) };
}

function define<Data>(
  kind: MessageKind,
  described: Described<Data> & { key(data: NoInfer<Data>): string },
): MessageDefinition<Data> {
  const { type, schema, example, key } = described;
  const definition = Object.assign((data: Data, because?: Cause): Outgoing<Data> => ({ definition, data, because }), {
    kind,
    type,
    topic: topicOf(type, kind),
    schema,
    example,
    keyOf: key,
  });
  return definition;
}

const WIRE_NAME = /^([a-z][a-z0-9-]*)\.[a-z][a-z0-9-]*\.v[1-9][0-9]*$/;

/** The module that a wire name begins with. Throws on anything that is no wire name. */
export function moduleOf(type: string): string {
  const match = WIRE_NAME.exec(type);
  if (!match) throw new Error(`"${type}" is no wire name; write it like "orders.order-placed.v1".`);
  return match[1] as string;
}

function topicOf(type: string, kind: MessageKind): string {
  return `${moduleOf(type)}.${kind}s`;
}

/** The module that a topic belongs to: it announces on its topic of events, and is asked on that of commands. */
export function ownerOf(topic: string): string {
  return topic.slice(0, topic.lastIndexOf('.'));
}

export function isOfCommands(topic: string): boolean {
  return topic.endsWith('.commands');
}
