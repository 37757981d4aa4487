/** An answer of the public API, as a journey got it. */
export interface RecordedAnswer {
  /** `file: the name of the test`. */
  journey: string;
  correlationId: string;
  method: string;
  /** Below `/api/v1`, with its query. */
  path: string;
  status: number;
  headers: Readonly<Record<string, string | undefined>>;
  /** Read as JSON where it is JSON, else the text. */
  body: unknown;
  /**
   * Asked while somebody waited for something, and it was not there yet, or cut off: told for what it may have begun, not
   * for its answer.
   */
  inVain?: boolean;
}

/** A row of a business table, when all was over. */
export interface RecordedRow {
  /** The file of the journeys for which the shop was opened, `everybody` for that of all. */
  shop: string;
  module: string;
  table: string;
  row: Readonly<Record<string, unknown>>;
}

/** A message as its module's outbox has it. */
export interface RecordedMessage {
  shop: string;
  module: string;
  topic: string;
  key: string;
  sequence: number;
  type: string;
  data: unknown;
  correlationId: string;
}
