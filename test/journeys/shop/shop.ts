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
