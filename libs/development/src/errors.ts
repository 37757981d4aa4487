/** Another living process works in this folder; the message names it and says what to do. One line. */
export class FolderInUse extends Error {
  readonly code = 'folder-in-use';
  constructor(
    readonly folder: string,
    readonly pid: number | null,
  ) {
    super(
      `${folder} is in use by ${pid === null ? 'another process' : `process ${pid}`}: stop that one first, or set BANYAN_FOLDER to a folder of your own.`,
    );
  }
}

/** The embedded PostgreSQL cannot serve; the message names the cause and the cure. One line. */
export class PostgresDidNotStart extends Error {
  readonly code = 'postgres-did-not-start';
}

/** The simulated payment provider cannot serve; the message names the cause and the cure. One line. */
export class PaymentProviderDidNotStart extends Error {
  readonly code = 'payment-provider-did-not-start';
}

/** There is no Kafka to be had here, or it cannot serve; the message names the cause and the cure. One line. */
export class KafkaUnavailable extends Error {
  readonly code = 'kafka-unavailable';
}
