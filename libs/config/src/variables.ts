import { isIP } from 'node:net';
import { z } from 'zod';
import { logLevels, type ArmedFailpoint, type Mischief } from './settings';

/** The secret that a fresh clone signs with. Known to everybody, so production refuses it. */
export const DEVELOPMENT_SIGNING_KEY_SECRET = 'development-only-secret-never-for-production';

const whole = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d+$/, `must be a whole number from ${least} to ${most}`)
    .transform(Number)
    .refine((n) => n >= least && n <= most, `must be a whole number from ${least} to ${most}`);

const flag = z.enum(['true', 'false'], 'must be true or false').transform((text) => text === 'true');

const url = (schemes: string[], example: string) =>
  z.string().refine((text) => URL.canParse(text) && schemes.includes(new URL(text).protocol), {
    message: `must be a URL like ${example}`,
  });

export const postgresUrl = url(['postgres:', 'postgresql:'], 'postgres://user:password@localhost:5432/banyan');

const nonEmpty = z.string().min(1);

const mischief = z.string().transform((text, context): Mischief => {
  const parts = new Map(text.split(',').map((part) => part.trim().split('=', 2) as [string, string | undefined]));
  const number = (name: string, most: number) => {
    const value = Number(parts.get(name) ?? 0);
    parts.delete(name);
    return value >= 0 && value <= most ? value : NaN;
  };
  const read = { duplicate: number('duplicate', 1), delayMs: number('delay', 60_000), reorder: number('reorder', 1) };
  if (parts.size > 0 || Object.values(read).some(Number.isNaN)) {
    context.addIssue({ code: 'custom', message: 'must look like duplicate=0.2,delay=50,reorder=0.1' });
  }
  return read;
});

const failpoints = z.string().transform((text, context): ArmedFailpoint[] =>
  text.split(',').flatMap((part): ArmedFailpoint[] => {
    const read = /^([a-z0-9.-]+)=(?:(kill|hang|throw)|delay:(\d{1,6}))(?:@([1-9]\d{0,8}))?$/.exec(part.trim());
    if (!read) {
      context.addIssue({
        code: 'custom',
        message: 'must look like transaction.after-commit=kill@3,payments.capture.after-ask=delay:500',
      });
      return [];
    }
    const [, name, act, delayMs, hit] = read;
    const where = { name: name as string, hit: hit === undefined ? null : Number(hit) };
    return [
      act ? { ...where, act: act as 'kill' | 'hang' | 'throw' } : { ...where, act: 'delay', delayMs: Number(delayMs) },
    ];
  }),
);

const isAddressOrNetwork = (text: string): boolean => {
  const [address = '', bits = '0', ...more] = text.split('/');
  const most = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  return more.length === 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= most;
};

const addresses = z
  .string()
  .transform((text) => text.split(',').map((address) => address.trim()))
  .refine((all) => all.every(isAddressOrNetwork), {
    message: 'must be IP addresses or networks like 10.0.0.0/8, separated by commas',
  });

/**
 * Every variable the product reads, in the order in which `.env.example` and the README tell of them.
 * A description says what it decides; the default stands beside it.
 */
export const variablesSchema = z.object({
  NODE_ENV: z
    .enum(['development', 'test', 'production'], 'must be development, test or production')
    .default('development')
    .describe('Which defaults apply. In production nothing is seeded and no default secret is accepted.'),
  MODULES: z
    .string()
    .optional()
    .transform((text) =>
      text
        ?.split(',')
        .map((name) => name.trim())
        .filter(Boolean),
    )
    .describe('The modules to host, separated by commas; unset: all that the app has.'),
  HOST: nonEmpty.default('0.0.0.0').describe('The address to listen on.'),
  PORT: whole(0, 65_535).default(3000).describe('The port of the HTTP API; 0 takes any free one.'),
  REQUEST_TIMEOUT_MS: whole(100, 600_000).default(30_000).describe('How long a client may take to send a request.'),
  BODY_LIMIT_BYTES: whole(1_024, 104_857_600)
    .default(1_048_576)
    .describe('The largest body accepted; more is answered 413.'),
  DATABASE_URL: postgresUrl
    .optional()
    .describe('The PostgreSQL of all modules. Unset in development: an embedded one is started.'),
  DATABASE_POOL_SIZE: whole(1, 200).default(10).describe('Connections per module.'),
  DATABASE_TRANSACTION_TIMEOUT_MS: whole(100, 600_000)
    .default(30_000)
    .describe('The longest a transaction may live; the database ends it then.'),
  EVENT_TRANSPORT: z
    .enum(['in-process', 'mixed', 'kafka'], 'must be in-process, mixed or kafka')
    .default('in-process')
    .describe('What carries messages between modules.'),
  KAFKA_BROKERS: nonEmpty
    .optional()
    .transform((text) =>
      (text ?? '')
        .split(',')
        .map((broker) => broker.trim())
        .filter(Boolean),
    )
    .describe('Kafka brokers, host:port separated by commas; needed unless the transport is in-process.'),
  KAFKA_PREFIX: z
    .string()
    .regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,99}$/, 'must be letters, digits, dots, underscores or hyphens')
    .default('banyan')
    .describe('What names in Kafka begin with: the topic banyan.orders.events, the consumer group banyan.orders.'),
  KAFKA_PARTITIONS: whole(1, 1_000)
    .default(12)
    .describe(
      'Partitions of a topic. Another number for topics that exist is refused, since streams would change places.',
    ),
  KAFKA_REPLICATION: whole(1, 9)
    .optional()
    .describe('Copies of a topic; unset: 3 in production, else 1. With 3 or more, two must have what is acknowledged.'),
  KAFKA_TLS: flag.optional().describe('Whether to speak TLS to the brokers, with the certificates that Node trusts.'),
  KAFKA_USERNAME: nonEmpty.optional().describe('The name to log in with at the brokers (SASL). Unset: no login.'),
  KAFKA_PASSWORD: nonEmpty.optional().describe('The password to that name.'),
  KAFKA_LOGIN: z
    .enum(['plain', 'scram-sha-256', 'scram-sha-512'], 'must be plain, scram-sha-256 or scram-sha-512')
    .default('scram-sha-512')
    .describe('The mechanism of that login.'),
  BUS_EXPORTED_EVENTS: nonEmpty
    .regex(/^[a-z][a-z0-9-]*(,[a-z][a-z0-9-]*)*$/, 'must be names of modules separated by commas, or none')
    .optional()
    .transform((text) => (text === undefined ? null : text === 'none' ? [] : text.split(',')))
    .describe('In mixed: the modules of this app whose events are heard outside it, or none. Unset: all of them.'),
  BUS_RETENTION_DAYS: whole(1, 30)
    .default(14)
    .describe('How long outboxes keep what they sent (personal data: 30 days at most).'),
  BUS_LEASE_MS: whole(1_000, 600_000)
    .default(15_000)
    .describe('How long an instance that has fallen silent keeps what it consumes from the others.'),
  BUS_RETRY_ATTEMPTS: whole(1, 100).default(5).describe('How often a failing message is tried before it is parked.'),
  BUS_RETRY_FIRST_DELAY_MS: whole(1, 600_000)
    .default(4_000)
    .describe('The wait before the second attempt; it doubles from there. Five attempts then take about a minute.'),
  BUS_RETRY_MAX_DELAY_MS: whole(1, 3_600_000).default(60_000).describe('The longest wait between two attempts.'),
  BUS_MISCHIEF: mischief
    .optional()
    .describe('Makes the bus misbehave where it delivers: duplicate=0.2,delay=50,reorder=0.1. Refused in production.'),
  TOKEN_ISSUER: nonEmpty
    .default('banyan')
    .describe('The issuer (iss) of access tokens; tokens of another are refused.'),
  TOKEN_AUDIENCE: nonEmpty
    .default('banyan-api')
    .describe('The audience (aud) of access tokens; tokens for another are refused.'),
  ACCESS_TOKEN_SECONDS: whole(10, 600).default(600).describe('How long an access token lives; ten minutes at most.'),
  REFRESH_TOKEN_DAYS: whole(1, 365).default(30).describe('How long a refresh token lives.'),
  SIGNING_KEY_SECRET: z
    .string()
    .min(32, 'must be at least 32 characters; `openssl rand -base64 32` makes one')
    .default(DEVELOPMENT_SIGNING_KEY_SECRET)
    .describe('Encrypts the private signing keys in the database. Production has no default.'),
  SIGNING_KEY_LIFETIME_DAYS: whole(1, 365).default(30).describe('The age at which a signing key is replaced.'),
  PAYMENT_PROVIDER_URL: url(['http:', 'https:'], 'https://provider.example')
    .optional()
    .describe('The payment provider. Unset in development: the simulated one is started. Production has no default.'),
  PAYMENT_PROVIDER_TIMEOUT_MS: whole(50, 120_000)
    .default(5_000)
    .describe('How long the payment provider may take to answer.'),
  FULFILMENT_DEADLINE_MS: whole(100, 86_400_000)
    .default(120_000)
    .describe('How long an order waits for an answer of stock or payment before it is cancelled.'),
  IDEMPOTENCY_KEEP_HOURS: whole(24, 8_760).default(24).describe('How long an Idempotency-Key is remembered.'),
  ADMIN_EMAIL: z
    .email('must be an e-mail address')
    .optional()
    .describe('The administrator who is made at start; set it together with ADMIN_PASSWORD.'),
  ADMIN_PASSWORD: z
    .string()
    .min(12, 'must be 12 to 128 characters')
    .max(128, 'must be 12 to 128 characters')
    .optional()
    .describe("The administrator's password, 12 to 128 characters; a changed one takes effect at the next start."),
  SEED_CATALOGUE: flag
    .optional()
    .describe('Whether a small catalogue is listed at first start; true in development, never in production.'),
  LOG_LEVEL: z
    .enum(logLevels, `must be one of ${logLevels.join(', ')}`)
    .default('info')
    .describe('The least severe log lines to write.'),
  LOG_PRETTY: flag.optional().describe('Readable logs instead of JSON; true in development.'),
  REQUESTS_PER_MINUTE: whole(1, 10_000_000)
    .optional()
    .describe('The limit of requests per client and minute (429 beyond it). Unset: none.'),
  TRUSTED_PROXIES: addresses
    .optional()
    .describe('Proxies in front, by address or network: clients are then told apart by X-Forwarded-For. Unset: none.'),
  FAILPOINTS: failpoints
    .optional()
    .describe(
      'Faults on purpose, for tests: name=kill|hang|throw|delay:MS[@HIT], separated by commas. Refused in production.',
    ),
});

const { NODE_ENV, HOST, PORT, REQUEST_TIMEOUT_MS, LOG_LEVEL, LOG_PRETTY } = variablesSchema.shape;

/** What the gateway alone reads. */
const gatewayVariables = {
  TOPOLOGY_FILE: nonEmpty.describe('Where each module runs, as the gateway needs it; the file is watched.'),
  GATEWAY_ADMIN_PORT: whole(0, 65_535)
    .default(3900)
    .describe("The port of the gateway's operators, on 127.0.0.1 only; 0 takes any free one."),
  GATEWAY_HEALTH_INTERVAL_MS: whole(50, 60_000)
    .default(1_000)
    .describe('How often the gateway asks each instance behind it whether it is ready.'),
  GATEWAY_HEADER_LIMIT_BYTES: whole(1_024, 1_048_576)
    .default(16_384)
    .describe('The largest headers that the gateway takes; more is answered 431.'),
  GATEWAY_UPSTREAM_CONNECTIONS: whole(1, 10_000)
    .default(256)
    .describe('Connections of the gateway to one instance; requests beyond them wait.'),
  GATEWAY_TRUSTED_PROXIES: addresses
    .optional()
    .describe('Addresses or networks whose X-Forwarded-* the gateway believes, such as a load balancer. Unset: none.'),
};

/** Everything that the gateway reads. */
export const gatewayVariablesSchema = z.object({
  NODE_ENV,
  HOST,
  PORT,
  REQUEST_TIMEOUT_MS,
  LOG_LEVEL,
  LOG_PRETTY,
  ...gatewayVariables,
});

/** The suffix of the variables that give one module a database of its own: `ORDERS_DATABASE_URL`. */
export const MODULE_DATABASE_URL = '_DATABASE_URL';

/** The names of all variables but the `<MODULE>_DATABASE_URL` ones, which exist for any module. */
const described = { ...variablesSchema.shape, ...gatewayVariables };
export const variableNames = Object.keys(described) as (keyof typeof described)[];

/** Name and meaning of each variable, for the documents that list them. */
export const variables = variableNames.map((name) => ({
  name,
  meaning: described[name].description ?? '',
}));
