import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { developmentFolder } from '@banyan/development';
import { z } from 'zod';
import { AdminUnknown } from './errors';
import type { Credentials } from './session';

const kept = z.object({ email: z.string(), password: z.string() });

/**
 * Who the admin is: ADMIN_EMAIL and ADMIN_PASSWORD, or else the login that the development shop keeps in
 * `admin.json` of its folder (BANYAN_FOLDER, or `.banyan` in the project). Throws `AdminUnknown` where there is neither.
 */
export async function adminLogin(environment: NodeJS.ProcessEnv): Promise<Credentials> {
  const { ADMIN_EMAIL: email, ADMIN_PASSWORD: password } = environment;
  if (email && password) return { email, password };
  const file = join(developmentFolder(environment), 'admin.json');
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch {
    throw new AdminUnknown(file, 'No login of an admin is known');
  }
  try {
    return kept.parse(JSON.parse(text));
  } catch {
    throw new AdminUnknown(file, 'The kept login of the admin cannot be read');
  }
}
