import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/** The root of the checkout, found from this file, which runs from `libs` in tests and from `dist` otherwise. */
export function projectFolder(from = __dirname): string {
  if (existsSync(join(from, 'nest-cli.json'))) return from;
  const parent = dirname(from);
  if (parent === from) throw new Error(`No nest-cli.json above ${__dirname}: development needs the whole checkout.`);
  return projectFolder(parent);
}

/** Where development keeps its database, the provider's books and its secrets: BANYAN_FOLDER, or `.banyan` in the project. */
export const developmentFolder = (env: NodeJS.ProcessEnv): string =>
  resolve(env['BANYAN_FOLDER'] || join(projectFolder(), '.banyan'));
