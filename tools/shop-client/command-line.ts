import { toldToCommands } from '@banyan/development';

/** A command was called wrongly; the message says how. */
export class WrongArguments extends Error {}

/**
 * The shop that was asked for, or else the one on this machine: at PORT where that is set, where the development shop
 * says that it is, or at 3000. Throws `WrongArguments`.
 */
export function shopUrl(given: string | undefined, environment: NodeJS.ProcessEnv): string {
  const url = given ?? onThisMachine(environment);
  if (/^https?:\/\//.test(url) && URL.canParse(url)) return url;
  throw new WrongArguments(`--base-url must be like http://127.0.0.1:3000, not ${url}.`);
}

function onThisMachine(environment: NodeJS.ProcessEnv): string {
  const told = environment['PORT'] ? undefined : toldToCommands(environment)?.['BASE_URL'];
  return told ?? `http://127.0.0.1:${environment['PORT'] || 3000}`;
}
