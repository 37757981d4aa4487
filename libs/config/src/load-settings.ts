import { SettingsError, type Settings } from './settings';
import { DEVELOPMENT_SIGNING_KEY_SECRET, MODULE_DATABASE_URL, postgresUrl, variablesSchema } from './variables';

/**
 * Reads the environment, the only place that does. Throws `SettingsError` on anything missing, malformed,
 * contradictory or too weak for production. An app names the modules that it has: it is refused others, and is spared
 * what only others need.
 */
export function loadSettings(environment: NodeJS.ProcessEnv, has?: { modules: readonly string[] }): Settings {
  // Compose files and CI hand over unset variables as empty strings.
  const given = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined && value !== ''),
  );
  const read = variablesSchema.safeParse(given);
  if (!read.success) {
    throw new SettingsError(read.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`).join('; '));
  }
  const variables = read.data;
  const production = variables.NODE_ENV === 'production';
  const moduleUrls = databaseUrlsOfModules(given);
  const hosted = variables.MODULES ?? has?.modules;
  const hosts = (module: string) => hosted?.includes(module) ?? true;

  const problems = [
    !variables.DATABASE_URL &&
      moduleUrls.size === 0 &&
      'DATABASE_URL is not set; give it a URL like postgres://user:password@localhost:5432/banyan',
    variables.EVENT_TRANSPORT !== 'in-process' &&
      variables.KAFKA_BROKERS.length === 0 &&
      `KAFKA_BROKERS is not set, and EVENT_TRANSPORT=${variables.EVENT_TRANSPORT} needs it; give it host:port`,
    Boolean(variables.KAFKA_USERNAME) !== Boolean(variables.KAFKA_PASSWORD) &&
      `${variables.KAFKA_USERNAME ? 'KAFKA_PASSWORD' : 'KAFKA_USERNAME'} is not set; set KAFKA_USERNAME and KAFKA_PASSWORD both, or neither`,
    Boolean(variables.ADMIN_EMAIL) !== Boolean(variables.ADMIN_PASSWORD) &&
      `${variables.ADMIN_EMAIL ? 'ADMIN_PASSWORD' : 'ADMIN_EMAIL'} is not set; set ADMIN_EMAIL and ADMIN_PASSWORD both, or neither`,
    has && problemWithModules(variables.MODULES, has.modules),
    ...(production ? problemsInProduction(variables, hosts) : []),
  ].filter((problem) => typeof problem === 'string');
  if (problems.length > 0) throw new SettingsError(problems.join('; '));

  return Object.freeze<Settings>({
    environment: variables.NODE_ENV,
    modules: variables.MODULES ?? null,
    http: {
      host: variables.HOST,
      port: variables.PORT,
      requestTimeoutMs: variables.REQUEST_TIMEOUT_MS,
      bodyLimitBytes: variables.BODY_LIMIT_BYTES,
      trustedProxies: variables.TRUSTED_PROXIES ?? [],
    },
    database: {
      urlFor(module) {
        const url = moduleUrls.get(module) ?? variables.DATABASE_URL;
        if (!url)
          throw new SettingsError(`DATABASE_URL is not set, nor is ${databaseVariableOf(module)}; set one of the two`);
        return url;
      },
      poolSize: variables.DATABASE_POOL_SIZE,
      transactionTimeoutMs: variables.DATABASE_TRANSACTION_TIMEOUT_MS,
    },
    bus: {
      transport: variables.EVENT_TRANSPORT,
      kafka: {
        brokers: variables.KAFKA_BROKERS,
        prefix: variables.KAFKA_PREFIX,
        partitions: variables.KAFKA_PARTITIONS,
        replication: variables.KAFKA_REPLICATION ?? (production ? 3 : 1),
        tls: variables.KAFKA_TLS ?? false,
        login:
          variables.KAFKA_USERNAME && variables.KAFKA_PASSWORD
            ? {
                mechanism: variables.KAFKA_LOGIN,
                username: variables.KAFKA_USERNAME,
                password: variables.KAFKA_PASSWORD,
              }
            : null,
      },
      exportedEvents: variables.BUS_EXPORTED_EVENTS,
      retentionDays: variables.BUS_RETENTION_DAYS,
      leaseMs: variables.BUS_LEASE_MS,
      retry: {
        attempts: variables.BUS_RETRY_ATTEMPTS,
        firstDelayMs: variables.BUS_RETRY_FIRST_DELAY_MS,
        maxDelayMs: variables.BUS_RETRY_MAX_DELAY_MS,
      },
      mischief: variables.BUS_MISCHIEF ?? null,
    },
    tokens: {
      issuer: variables.TOKEN_ISSUER,
      audience: variables.TOKEN_AUDIENCE,
      accessTokenSeconds: variables.ACCESS_TOKEN_SECONDS,
      refreshTokenDays: variables.REFRESH_TOKEN_DAYS,
      signingKeySecret: variables.SIGNING_KEY_SECRET,
      signingKeyLifetimeDays: variables.SIGNING_KEY_LIFETIME_DAYS,
    },
    payments: {
      providerUrl: variables.PAYMENT_PROVIDER_URL ?? 'http://127.0.0.1:4010',
      requestTimeoutMs: variables.PAYMENT_PROVIDER_TIMEOUT_MS,
    },
    fulfilment: { answerDeadlineMs: variables.FULFILMENT_DEADLINE_MS },
    idempotency: { keepHours: variables.IDEMPOTENCY_KEEP_HOURS },
    admin:
      variables.ADMIN_EMAIL && variables.ADMIN_PASSWORD
        ? { email: variables.ADMIN_EMAIL, password: variables.ADMIN_PASSWORD }
        : null,
    seedCatalogue: variables.SEED_CATALOGUE ?? variables.NODE_ENV === 'development',
    log: { level: variables.LOG_LEVEL, pretty: variables.LOG_PRETTY ?? variables.NODE_ENV === 'development' },
    limits: { requestsPerMinute: variables.REQUESTS_PER_MINUTE ?? null },
    failpoints: variables.FAILPOINTS ?? [],
  });
}

function problemWithModules(named: readonly string[] | undefined, has: readonly string[]): string | undefined {
  if (!named) return undefined;
  const known = `this app has ${has.join(', ')}`;
  if (named.length === 0) return `MODULES names none; ${known}`;
  const unknown = named.filter((module) => !has.includes(module));
  return unknown.length > 0 ? `MODULES names ${unknown.join(', ')}; ${known}` : undefined;
}

function problemsInProduction(variables: ReturnType<typeof variablesSchema.parse>, hosts: (module: string) => boolean) {
  return [
    hosts('users') &&
      variables.SIGNING_KEY_SECRET === DEVELOPMENT_SIGNING_KEY_SECRET &&
      'SIGNING_KEY_SECRET must be a secret of your own in production; `openssl rand -base64 32` makes one',
    hosts('payments') &&
      !variables.PAYMENT_PROVIDER_URL &&
      'PAYMENT_PROVIDER_URL is not set, and production has no default; give it the URL of your payment provider',
    variables.BUS_MISCHIEF && 'BUS_MISCHIEF is refused in production; unset it',
    variables.FAILPOINTS && 'FAILPOINTS is refused in production; unset it',
    variables.SEED_CATALOGUE && 'SEED_CATALOGUE is refused in production; unset it',
  ];
}

/** The variable that gives one module a database of its own: ORDERS_DATABASE_URL. */
export const databaseVariableOf = (module: string): string =>
  `${module.toUpperCase().replaceAll('-', '_')}${MODULE_DATABASE_URL}`;

function databaseUrlsOfModules(given: Record<string, string | undefined>): Map<string, string> {
  const urls = new Map<string, string>();
  for (const [name, value] of Object.entries(given)) {
    if (!name.endsWith(MODULE_DATABASE_URL)) continue;
    const url = postgresUrl.safeParse(value);
    if (!url.success) throw new SettingsError(`${name} ${url.error.issues[0]?.message}`);
    urls.set(name.slice(0, -MODULE_DATABASE_URL.length).toLowerCase().replaceAll('_', '-'), url.data);
  }
  return urls;
}
