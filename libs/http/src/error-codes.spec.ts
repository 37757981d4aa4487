import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { problems } from '@banyan/problem';
import { idempotencyRefusals } from './idempotency-errors';

const root = join(__dirname, '../../..');

interface ErrorCode {
  code: string;
  status: number;
}

const byCode = (a: ErrorCode, b: ErrorCode) => (a.code < b.code ? -1 : a.code > b.code ? 1 : a.status - b.status);

/** The refusals that controllers declare: class names with their statuses. */
function declared(): { name: string; status: number }[] {
  return sources((path) => path.endsWith('.controller.ts')).flatMap((text) =>
    [...text.matchAll(/@Refuses\(\{([^}]*)\}\)/g)].flatMap(([, refusals = '']) =>
      [...refusals.matchAll(/(\d{3}): \[([^\]]*)\]/g)].flatMap(([, status, names = '']) =>
        names
          .split(',')
          .map((name) => name.trim())
          .filter(Boolean)
          .map((name) => ({ name, status: Number(status) })),
      ),
    ),
  );
}

/** The error classes of all libraries, with the codes that they carry. */
function codes(): Map<string, string> {
  const found = sources((path) => !path.endsWith('.spec.ts')).flatMap((text) =>
    [...text.matchAll(/class (\w+) extends Error \{\s+(?:override )?readonly code = '([a-z-]+)'/g)].map(
      ([, name, code]) => [name, code] as [string, string],
    ),
  );
  return new Map(found);
}

function sources(wanted: (path: string) => boolean): string[] {
  return readdirSync(join(root, 'libs'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && wanted(path))
    .map((path) => readFileSync(join(root, 'libs', path), 'utf8'));
}

function documented(): ErrorCode[] {
  const rows = readFileSync(join(root, 'docs/errors.md'), 'utf8').matchAll(/^\| `([a-z-]+)` +\| (\d{3}) /gm);
  return [...rows].map(([, code, status]) => ({ code: code as string, status: Number(status) }));
}

describe('error codes', () => {
  it('are named like their classes, as OpenAPI relies on', () => {
    const known = codes();
    const misnamed = declared().filter(({ name }) => known.get(name) !== kebab(name));
    expect(misnamed).toEqual([]);
  });

  it('are all in docs/errors.md, with their status, and nothing else is', () => {
    const all = [
      ...Object.entries(problems).map(([code, status]) => ({ code, status })),
      ...[...idempotencyRefusals].map(([refusal, status]) => ({ code: new refusal().code, status })),
      ...declared().map(({ name, status }) => ({ code: kebab(name), status })),
    ];
    const unique = [...new Map(all.map((one) => [`${one.code} ${one.status}`, one])).values()];
    expect(documented().sort(byCode)).toEqual(unique.sort(byCode));
  });
});

function kebab(name: string): string {
  return name.replace(/(?!^)([A-Z])/g, '-$1').toLowerCase();
}
