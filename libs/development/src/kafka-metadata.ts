export interface ClusterMetadata {
  clusterId: string;
  /** The brokers that serve at this moment. */
  brokerIds: number[];
}

const ANSWER_MS = 2_000;

/**
 * Asks a cluster who belongs to it, as any client does. Null where nobody answers, or none that knows yet who leads:
 * who gets an answer can produce and consume.
 */
export async function askKafka(brokers: string[]): Promise<ClusterMetadata | null> {
  // Only who starts a broker pays for loading the client.
  const { Kafka, logLevel } = await import('kafkajs');
  const admin = new Kafka({
    clientId: 'banyan-development',
    brokers,
    connectionTimeout: ANSWER_MS,
    requestTimeout: ANSWER_MS,
    retry: { retries: 0 },
    logLevel: logLevel.NOTHING,
  }).admin();
  return withoutNegativeTimeouts(async () => {
    try {
      await admin.connect();
      const { clusterId, brokers: members, controller } = await admin.describeCluster();
      return controller === null || controller < 0
        ? null
        : { clusterId, brokerIds: members.map(({ nodeId }) => nodeId).sort((a, b) => a - b) };
    } catch {
      return null;
    } finally {
      await admin.disconnect().catch(() => undefined);
    }
  });
}

let asking = 0;

/** kafkajs sets timers into the past, which Node takes for now and warns of; here, with every look at a broker that starts. */
async function withoutNegativeTimeouts<T>(work: () => Promise<T>): Promise<T> {
  if (asking++ === 0) silence();
  try {
    return await work();
  } finally {
    if (--asking === 0) speak();
  }
}

const emitWarning = process.emitWarning;

function silence(): void {
  process.emitWarning = ((warning: string | Error, ...rest: unknown[]) => {
    if (rest[0] !== 'TimeoutNegativeWarning') Reflect.apply(emitWarning, process, [warning, ...rest]);
  }) as typeof process.emitWarning;
}

function speak(): void {
  process.emitWarning = emitWarning;
}
