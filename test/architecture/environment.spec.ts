import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MODULE_DATABASE_URL, variableNames } from '@banyan/config';
import { sourcesIn, type Source } from './sources';

describe('the environment', () => {
  it('is read by libs/config alone; an app’s main hands it over', () => {
    expect(readersIn(sourcesIn('libs', 'apps'))).toEqual([]);
  });

  it.each([
    ['libs/orders/src/place-order.ts', 'const port = process.env.PORT;'],
    ['libs/orders/src/place-order.ts', "const { env } = require('node:process');"],
    ['libs/orders/src/place-order.ts', "import { env } from 'node:process';"],
    ['libs/orders/src/place-order.ts', "const port = process['env'].PORT;"],
    ['libs/orders/src/place-order.ts', 'const { env } = process;'],
    ['libs/http/src/guard.ts', 'if (process\n  .env.NODE_ENV) {}'],
    ['apps/monolith/src/modules.ts', 'const port = process.env.PORT;'],
  ])('is out of bounds for %s: %s', (path, text) => {
    expect(readersIn([{ path, text }])).toEqual([path]);
  });

  it.each([
    ['libs/config/src/load-settings.ts', 'const port = process.env.PORT;'],
    ['apps/monolith/src/main.ts', 'const settings = loadSettings(process.env);'],
    ['libs/orders/src/place-order.ts', '// process.env is none of our business\nprocess.environment;'],
  ])('is no matter in %s: %s', (path, text) => {
    expect(readersIn([{ path, text }])).toEqual([]);
  });

  it('is described by .env.example, variable by variable', () => {
    const example = readFileSync(join(__dirname, '../../.env.example'), 'utf8');
    const listed = [...example.matchAll(/^# ([A-Z][A-Z0-9_]*)=/gm)].map(([, name]) => name);
    expect(listed.sort()).toEqual([...variableNames, `ORDERS${MODULE_DATABASE_URL}`, 'BANYAN_FOLDER'].sort());
  });
});

/**
 * Who reads it though it may not. libs/development is handed the environment like everybody else, and commands and
 * tests are programs of their own: like an app's main they begin with the environment.
 */
function readersIn(sources: Source[]): string[] {
  const mayRead = /^libs\/config\/|^apps\/[^/]+\/src\/main\.ts$|\.spec\.ts$|^(libs|apps)\/[^/]+\/test\//;
  const reads = [
    /\bprocess\s*\??\.\s*env\b/,
    /\bprocess\s*\[\s*['"`]env['"`]\s*\]/,
    /['"`](?:node:)?process['"`]/,
    /\{[^{}]*\benv\b[^{}]*\}\s*=\s*process\b/,
  ];
  return sources
    .filter(({ path, text }) => !mayRead.test(path) && reads.some((read) => read.test(withoutComments(text))))
    .map(({ path }) => path);
}

const withoutComments = (text: string) => text.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
