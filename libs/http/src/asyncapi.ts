import { Bus, type Sendable } from '@banyan/messaging';
import type { INestApplicationContext } from '@nestjs/common';
import { z } from 'zod';
import { byKey } from './by-key';

// The prefix that topics have on a broker.
const ADDRESS_PREFIX = 'banyan';

/** The AsyncAPI 3 document of an app: what its modules send and hear, by topic, with the senders' schemas and examples. */
export function asyncApiDocument(app: INestApplicationContext, { title, version }: { title: string; version: string }) {
  const channels: Record<string, { address: string; messages: Record<string, object> }> = {};
  const operations: Record<string, { action: 'send' | 'receive'; channel: object; messages: object[] }> = {};
  const messages: Record<string, object> = {};

  const tell = (module: string, action: 'send' | 'receive', topic: string, type: string) => {
    const channel = (channels[topic] ??= { address: `${ADDRESS_PREFIX}.${topic}`, messages: {} });
    channel.messages[type] = { $ref: `#/components/messages/${type}` };
    const operation = (operations[`${module}.${action}.${topic}`] ??= {
      action,
      channel: { $ref: `#/channels/${topic}` },
      messages: [],
    });
    operation.messages.push({ $ref: `#/channels/${topic}/messages/${type}` });
  };

  const members = [...app.get(Bus, { strict: false }).members.values()];
  for (const { module, publishes } of members) {
    for (const definition of publishes) {
      tell(module, 'send', definition.topic, definition.type);
      messages[definition.type] = messageOf(definition);
    }
  }
  for (const { module, hears } of members) {
    for (const { topic, type } of hears) {
      tell(module, 'receive', topic, type);
      // Sent by a module that this app does not host.
      messages[type] ??= { name: type, contentType: 'application/json' };
    }
  }
  // In one order whatever the order of the modules, as in the OpenAPI document.
  for (const channel of Object.values(channels)) channel.messages = byKey(channel.messages);
  return {
    asyncapi: '3.0.0',
    info: { title, version },
    channels: byKey(channels),
    operations: byKey(operations),
    components: { messages: byKey(messages) },
  };
}

function messageOf({ type, schema, example }: Sendable): object {
  const { $schema: _, ...payload } = z.toJSONSchema(schema, { io: 'output', unrepresentable: 'any' });
  return { name: type, contentType: 'application/json', payload, examples: [{ payload: example }] };
}
