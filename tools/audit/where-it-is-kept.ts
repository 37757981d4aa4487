import { loadSettings } from '@banyan/config';
import { joinDevelopment, type Development } from '@banyan/development';
import { moduleData } from '../db/modules';
import type { AuditOptions } from './audit';

export interface Kept extends Pick<AuditOptions, 'databases' | 'providerUrl'> {
  /** Stops what was started to look at it. */
  leave(): Promise<void>;
}

interface Books {
  withBooks: boolean;
  /** Undefined: PAYMENT_PROVIDER_URL. */
  providerUrl: string | undefined;
}

/**
 * Where the shop that the environment speaks of keeps what is audited. In development, what the environment leaves open
 * is the running shop's, or started here. Throws SettingsError.
 */
export async function whereItIsKept(environment: NodeJS.ProcessEnv, books: Books): Promise<Kept> {
  const development = await supply(environment, books);
  const leave = async () => development?.stop();
  try {
    const { database, payments } = loadSettings({ ...development?.env, ...given(environment) });
    return {
      databases: new Map(moduleData.map(({ module }) => [module, database.urlFor(module)])),
      providerUrl: books.withBooks ? (books.providerUrl ?? payments.providerUrl) : null,
      leave,
    };
  } catch (error) {
    await leave();
    throw error;
  }
}

async function supply(environment: NodeJS.ProcessEnv, books: Books): Promise<Development | undefined> {
  if ((environment['NODE_ENV'] || 'development') !== 'development') return undefined;
  const needsBooks = books.withBooks && !books.providerUrl && !environment['PAYMENT_PROVIDER_URL'];
  return environment['DATABASE_URL'] && !needsBooks ? undefined : joinDevelopment(environment);
}

/** What is set wins over what the running shop was supplied with; empty means unset. */
const given = (environment: NodeJS.ProcessEnv) =>
  Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
