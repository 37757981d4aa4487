/** A running shop, as far as journeys may know it: from the customer's side, plus what oracles beside the shop need. */
export interface Shop {
  /** For example `http://127.0.0.1:3000`. */
  readonly baseUrl: string;
  readonly admin: { readonly email: string; readonly password: string };
  /** Where the modules keep their data, one URL or several; empty where whoever started the shop did not say. */
  readonly databaseUrls: readonly string[];
  /** The simulated payment provider, whose books are its own; null where it is out of reach. */
  readonly providerUrl: string | null;
  /** Everything the shop has printed; null where it prints elsewhere. */
  readonly logFile: string | null;
}

/** Variables of the shop's own environment that differ from how everybody's shop is started. */
export type Differently = Record<string, string>;

/**
 * A shop that a journey has started, and so may stop, kill and start again, wherever its modules run. It has a database,
 * a payment provider and a folder of its own, on ports of their own.
 */
export interface RunningShop extends Shop {
  readonly providerUrl: string;
  readonly logFile: string;
  /** What its processes are started with, and commands beside it. */
  readonly environment: NodeJS.ProcessEnv;
  readonly provider: {
    /** It takes connections and says nothing, like a machine that hangs. */
    pause(): void;
    resume(): void;
  };
  /** The Kafka that carries its messages, where it has one of its own. */
  readonly broker: { kill(): Promise<void>; start(): Promise<void> } | null;
  /**
   * Another set of processes for this shop: on its database, with its provider, at an address of its own. Both must be
   * started with the same SIGNING_KEY_SECRET. It goes with `stop` or `kill`; the rest is the first one's.
   */
  openAnother(): Promise<RunningShop>;
  /** Starts it (again), at the address it had before; with other variables than before where they are given. */
  start(differently?: Differently): Promise<void>;
  /** Kills it outright, every process that hosts a module, in the middle of whatever it is doing. */
  kill(): Promise<void>;
  /** It does nothing any more, but for what its connections hold: like a machine that swaps, or is moved. */
  pause(): void;
  resume(): void;
  /** Asks it to stop, and answers its exit code: 0 only where all of it ended by itself. */
  stop(): Promise<number | null>;
  /** Kills whoever hosts one of these modules. Answers which modules are still hosted. */
  loses(modules: readonly string[]): Promise<readonly string[]>;
  /** Starts again whoever was killed by `loses`. */
  finds(): Promise<void>;
  /** Stops it and starts it placed as another topology, on what it has. Only where a topology places it. */
  becomes(topology: string): Promise<void>;
  /** Stops its processes, kindly at first. */
  close(): Promise<void>;
}

/** The variable in which open.ts hands the shop to the journeys. */
export const HANDED_OVER = 'JOURNEYS_SHOP';

/** The shop of this run, which open.ts started, or found at JOURNEYS_BASE_URL. */
export function theShop(): Shop {
  const handed = process.env[HANDED_OVER];
  if (!handed) throw new Error('There is no shop: this Jest project lacks test/journeys/shop/open.ts.');
  return JSON.parse(handed) as Shop;
}

/** Makes it the shop of this run, here and in processes started from here. */
export function handOver(shop: Shop): void {
  process.env[HANDED_OVER] = JSON.stringify(shop);
}

/**
 * The shop at JOURNEYS_BASE_URL, whoever started it and wherever its parts run; null where the variable is unset.
 * Its admin is ADMIN_EMAIL with ADMIN_PASSWORD. JOURNEYS_DATABASE_URLS (separated by commas) and JOURNEYS_PROVIDER_URL
 * let the journeys look behind the counter, too. Throws where the admin is missing.
 */
export function shopFromEnvironment(): Shop | null {
  const { JOURNEYS_BASE_URL, ADMIN_EMAIL, ADMIN_PASSWORD, JOURNEYS_DATABASE_URLS, JOURNEYS_PROVIDER_URL } = process.env;
  if (!JOURNEYS_BASE_URL) return null;
  if (!ADMIN_EMAIL || !ADMIN_PASSWORD) {
    throw new Error('JOURNEYS_BASE_URL is set: set ADMIN_EMAIL and ADMIN_PASSWORD, too, as that shop knows them.');
  }
  return {
    baseUrl: JOURNEYS_BASE_URL.replace(/\/$/, ''),
    admin: { email: ADMIN_EMAIL, password: ADMIN_PASSWORD },
    databaseUrls: JOURNEYS_DATABASE_URLS?.split(',') ?? [],
    providerUrl: JOURNEYS_PROVIDER_URL ?? null,
    logFile: null,
  };
}

/** Says where everybody sees it that a part of a journey could not be checked. */
export function skippedLoudly(what: string): void {
  process.stderr.write(`\nNOT CHECKED: ${what}\n`);
}
