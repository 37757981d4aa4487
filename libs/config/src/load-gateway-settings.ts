import { SettingsError, type LogLevel, type Settings } from './settings';
import { gatewayVariablesSchema } from './variables';

/** What configuration decides about the gateway. Routes are no configuration: they come from the topology and the modules. */
export interface GatewaySettings {
  readonly environment: Settings['environment'];
  readonly http: {
    readonly host: string;
    readonly port: number;
    readonly requestTimeoutMs: number;
    readonly headerLimitBytes: number;
    /** Addresses and networks whose X-Forwarded-* are believed. */
    readonly trustedProxies: readonly string[];
  };
  /** Where operators ask, on the loopback address only. */
  readonly admin: { readonly port: number };
  readonly topologyFile: string;
  readonly upstream: { readonly healthIntervalMs: number; readonly connections: number };
  readonly log: { readonly level: LogLevel; readonly pretty: boolean };
}

/** Reads the gateway's environment. Throws `SettingsError` on anything missing or malformed. */
export function loadGatewaySettings(environment: NodeJS.ProcessEnv): GatewaySettings {
  // Compose files and CI hand over unset variables as empty strings.
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const read = gatewayVariablesSchema.safeParse(given);
  if (!read.success) {
    const problems = read.error.issues.map(({ path: [name], message }) =>
      given[String(name)] === undefined
        ? `${String(name)} is not set; give it the path of a topology that names addresses`
        : `${String(name)} ${message}`,
    );
    throw new SettingsError(problems.join('; '));
  }
  const variables = read.data;
  return Object.freeze<GatewaySettings>({
    environment: variables.NODE_ENV,
    http: {
      host: variables.HOST,
      port: variables.PORT,
      requestTimeoutMs: variables.REQUEST_TIMEOUT_MS,
      headerLimitBytes: variables.GATEWAY_HEADER_LIMIT_BYTES,
      trustedProxies: variables.GATEWAY_TRUSTED_PROXIES ?? [],
    },
    admin: { port: variables.GATEWAY_ADMIN_PORT },
    topologyFile: variables.TOPOLOGY_FILE,
    upstream: {
      healthIntervalMs: variables.GATEWAY_HEALTH_INTERVAL_MS,
      connections: variables.GATEWAY_UPSTREAM_CONNECTIONS,
    },
    log: { level: variables.LOG_LEVEL, pretty: variables.LOG_PRETTY ?? variables.NODE_ENV === 'development' },
  });
}
