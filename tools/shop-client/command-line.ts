/** A command was called wrongly; the message says how. */
export class WrongArguments extends Error {}

/** The shop that was asked for, or else the one on this machine at PORT (3000). Throws `WrongArguments`. */
export function shopUrl(given: string | undefined, environment: NodeJS.ProcessEnv): string {
  const url = given ?? `http://127.0.0.1:${environment['PORT'] || 3000}`;
  if (/^https?:\/\//.test(url) && URL.canParse(url)) return url;
  throw new WrongArguments(`--base-url must be like http://127.0.0.1:3000, not ${url}.`);
}
