import type { Settings } from '@banyan/config';

/** What a developer wants to know of a whole shop that has just been opened. */
export function welcomeToShop(url: string, { admin }: Pick<Settings, 'admin'>): string {
  return lines(
    `The shop is open: ${url}/api/v1`,
    `  Documentation   ${url}/docs`,
    `  Health          ${url}/health/ready`,
    ...(admin ? [`  Admin           ${admin.email}  ${admin.password}`] : []),
    `  Try             npm run demo    (in another terminal: twenty orders of every kind)`,
    `  Stop            Ctrl-C`,
  );
}

/** The same of an app that is a part of a shop. */
export function welcomeToApp(name: string, url: string, modules: readonly string[]): string {
  return lines(
    `The app ${name} is open: ${url}/api/v1`,
    `  Modules         ${modules.join(', ')}`,
    `  Health          ${url}/health/ready`,
    `  Stop            Ctrl-C`,
  );
}

const lines = (...each: string[]) => `${each.join('\n')}\n`;
