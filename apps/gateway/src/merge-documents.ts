type Json = Readonly<Record<string, unknown>>;

/**
 * One OpenAPI document of several apps': that of an app which hosts all their modules. What two of them say of the same
 * thing is taken from the first.
 */
export function mergedOpenApi(documents: readonly Json[]): Json {
  const components = documents.map((document) => section(document, 'components'));
  return {
    ...documents[0],
    paths: merged(documents.map((document) => section(document, 'paths'))),
    components: Object.fromEntries(
      keysOf(components).map((kind) => [kind, merged(components.map((one) => section(one, kind)))]),
    ),
  };
}

/**
 * The same of AsyncAPI documents. An app that only hears a message knows no more than its name; what it looks like is told
 * by the app that sends it.
 */
export function mergedAsyncApi(documents: readonly Json[]): Json {
  const channels = documents.map((document) => section(document, 'channels'));
  const messages = documents.map((document) => section(section(document, 'components'), 'messages'));
  const known = messages.map((some) =>
    Object.fromEntries(Object.entries(some).filter(([, message]) => 'payload' in (message as Json))),
  );
  return {
    ...documents[0],
    channels: Object.fromEntries(
      keysOf(channels)
        .sort()
        .map((topic) => {
          const told = channels.map((some) => section(some, topic)).filter((channel) => 'address' in channel);
          return [topic, { ...told[0], messages: merged(told.map((channel) => section(channel, 'messages'))) }];
        }),
    ),
    operations: merged(documents.map((document) => section(document, 'operations'))),
    components: { messages: merged([...known, ...messages]) },
  };
}

const section = (document: Json, name: string) => (document[name] ?? {}) as Json;

const keysOf = (records: readonly Json[]) => [...new Set(records.flatMap((record) => Object.keys(record)))];

/** All of them in one, its keys in alphabetical order as the apps have them. */
function merged(records: readonly Json[]): Json {
  return Object.fromEntries(
    keysOf(records)
      .sort()
      .map((key) => [key, records.find((record) => key in record)?.[key]]),
  );
}
