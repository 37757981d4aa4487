/** How an armed failpoint acts: `hit` is the pass (from 1) at which it fires; null means at every pass. */
export type ArmedFailpoint = Readonly<
  { name: string; hit: number | null } & ({ act: 'kill' | 'hang' | 'throw' } | { act: 'delay'; delayMs: number })
>;

/** What the bus does to messages on purpose when it delivers them. `duplicate` and `reorder` are probabilities, 0 to 1. */
export interface Mischief {
  readonly duplicate: number;
  readonly delayMs: number;
  readonly reorder: number;
}

/** Everything that configuration decides, checked and typed. Made by `loadSettings`; nothing else reads the environment. */
export interface Settings {
  readonly environment: 'development' | 'test' | 'production';
  /** Those of its modules that the app hosts now; null: all that it has. */
  readonly modules: readonly string[] | null;
  readonly http: {
    readonly host: string;
    readonly port: number;
    readonly requestTimeoutMs: number;
    readonly bodyLimitBytes: number;
    /** Addresses or networks that are believed when they say whom they ask for. */
    readonly trustedProxies: readonly string[];
  };
  readonly database: {
    /** The URL of a module's database: `<MODULE>_DATABASE_URL`, else `DATABASE_URL`. Throws `SettingsError` when neither is set. */
    urlFor(module: string): string;
    /** Connections per module. */
    readonly poolSize: number;
    readonly transactionTimeoutMs: number;
  };
  readonly bus: {
    readonly transport: 'in-process' | 'mixed' | 'kafka';
    /** What connects to Kafka; of use only where `transport` is not in-process. */
    readonly kafka: {
      readonly brokers: readonly string[];
      readonly prefix: string;
      readonly partitions: number;
      readonly replication: number;
      readonly tls: boolean;
      /** Null: no login. */
      readonly login: {
        readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
        readonly username: string;
        readonly password: string;
      } | null;
    };
    /** In mixed, the modules here whose events are heard outside this app; null: all. */
    readonly exportedEvents: readonly string[] | null;
    readonly retentionDays: number;
    readonly leaseMs: number;
    readonly retry: { readonly attempts: number; readonly firstDelayMs: number; readonly maxDelayMs: number };
    readonly mischief: Mischief | null;
  };
  readonly tokens: {
    readonly issuer: string;
    readonly audience: string;
    readonly accessTokenSeconds: number;
    readonly refreshTokenDays: number;
    readonly signingKeySecret: string;
    readonly signingKeyLifetimeDays: number;
  };
  readonly payments: { readonly providerUrl: string; readonly requestTimeoutMs: number };
  readonly fulfilment: { readonly answerDeadlineMs: number };
  readonly idempotency: { readonly keepHours: number };
  readonly admin: { readonly email: string; readonly password: string } | null;
  readonly seedCatalogue: boolean;
  readonly log: { readonly level: LogLevel; readonly pretty: boolean };
  /** Null: no limit. */
  readonly limits: { readonly requestsPerMinute: number | null };
  /** Always empty in production. */
  readonly failpoints: readonly ArmedFailpoint[];
}

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** The environment cannot be used as it is. The message is one line that names the variable and the cure. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
}
