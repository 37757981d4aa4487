import 'reflect-metadata';
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { moduleData } from '../../tools/db/modules';

const root = join(__dirname, '../..');

interface Violation {
  rule: { name: string };
  from: string;
  to: string;
  /** Why the rule is there. */
  comment: string;
}

interface Report {
  summary: {
    violations: Omit<Violation, 'comment'>[];
    ruleSetUsed: { forbidden: { name: string; comment: string }[] };
  };
}

describe('the boundaries', () => {
  it('are kept by everything that is here', async () => {
    const violations = await violationsIn(root);
    expect(violations.map(({ from, to, rule, comment }) => `${from} → ${to}: ${rule.name}. ${comment}`)).toEqual([]);
  }, 60_000);

  it('know a module by its messages.ts, which all have that run', () => {
    const unknown = moduleData.filter(({ module }) => !existsSync(join(root, 'libs', module, 'src/messages.ts')));
    expect(unknown).toEqual([]);
  });

  it('bite: each of these is caught, and nothing that is allowed', async () => {
    const tree = mkdtempSync(join(tmpdir(), 'banyan-boundaries-'));
    try {
      for (const [file, text] of Object.entries({ ...allowed, ...scenery })) write(join(tree, file), text);
      for (const { file, text } of forbidden) write(join(tree, file), text);

      const caught = (await violationsIn(tree)).map(({ rule, from }) => `${from}: ${rule.name}`);
      const expected = forbidden.flatMap(({ file, rules }) => rules.map((rule) => `${file}: ${rule}`));
      expect([...new Set(caught)].sort()).toEqual(expected.sort());
    } finally {
      rmSync(tree, { recursive: true });
    }
  }, 60_000);
});

/** What the examples import. */
const scenery: Record<string, string> = {
  'tsconfig.json': JSON.stringify({
    compilerOptions: {
      module: 'nodenext',
      moduleResolution: 'nodenext',
      paths: { '@banyan/*': ['./libs/*/src/index.ts'] },
    },
  }),
  'package.json': JSON.stringify({ name: 'example', dependencies: {}, devDependencies: { borrowed: '1.0.0' } }),
  'node_modules/borrowed/package.json': JSON.stringify({ name: 'borrowed', version: '1.0.0', main: 'index.js' }),
  'node_modules/borrowed/index.js': 'exports.borrowed = 1;',
  'libs/config/src/index.ts': 'export const settings = 1;',
  'libs/persistence/src/index.ts': "export { database } from './database';",
  'libs/persistence/src/database.ts': 'export const database = 1;',
  'libs/messaging/src/index.ts': 'export const outbox = 1;',
  'libs/http/src/index.ts': 'export const route = 1;',
  'libs/development/src/index.ts': 'export const start = 1;',
  'libs/hosting/src/index.ts': 'export const runApp = 1;',
  'libs/orders/src/index.ts': "export { order } from './order';",
  'libs/orders/src/order.ts': 'export const order = 1; export type Order = 1;',
  'libs/payments/src/index.ts': 'export const payment = 1; export type Payment = 1;',
  'test/database/database.ts': 'export const freshDatabase = 1;',
  'tools/audit/main.ts': 'export const audit = 1;',
  'apps/monolith/src/modules.ts': 'export const modules = 1;',
};

const allowed: Record<string, string> = {
  'libs/messaging/src/allowed.ts': "import { database } from '@banyan/persistence'; console.log(database);",
  'libs/orders/src/allowed.ts':
    "import { outbox } from '@banyan/messaging'; import { order } from './order'; console.log(outbox, order);",
  'libs/orders/src/allowed.spec.ts':
    "import { freshDatabase } from '../../../test/database/database'; console.log(freshDatabase);",
  'libs/orders/test/allowed.ts':
    "import { freshDatabase } from '../../../test/database/database'; console.log(freshDatabase);",
  'apps/monolith/src/allowed.ts':
    "import { order } from '@banyan/orders'; import { start } from '@banyan/development'; console.log(order, start);",
  'apps/gateway/src/allowed.ts': "import { settings } from '@banyan/config'; console.log(settings);",
  'test/bus/broken/allowed.ts':
    "import { database } from '../../../libs/persistence/src/database'; console.log(database);",
  'tools/db/allowed.ts': "import { order } from '@banyan/orders'; console.log(order);",
};

const forbidden: { file: string; text: string; rules: string[] }[] = [
  {
    file: 'libs/orders/src/uses-another-module.ts',
    text: "import { payment } from '@banyan/payments'; console.log(payment);",
    rules: ['modules-apart'],
  },
  {
    file: 'libs/orders/src/uses-only-a-type-of-another-module.ts',
    text: "import type { Payment } from '@banyan/payments'; export type Mine = Payment;",
    rules: ['modules-apart'],
  },
  {
    file: 'libs/orders/src/uses-another-module-in-a-test.spec.ts',
    text: "import { payment } from '@banyan/payments'; console.log(payment);",
    rules: ['modules-apart'],
  },
  {
    file: 'libs/orders/src/knows-development.ts',
    text: "import { start } from '@banyan/development'; console.log(start);",
    rules: ['modules-on-platform-only'],
  },
  {
    file: 'libs/orders/src/knows-its-host.ts',
    text: "import { runApp } from '@banyan/hosting'; console.log(runApp);",
    rules: ['modules-on-platform-only'],
  },
  {
    file: 'libs/orders/src/knows-its-app.ts',
    text: "import { modules } from '../../../apps/monolith/src/modules'; console.log(modules);",
    rules: ['modules-on-platform-only', 'libraries-below-apps'],
  },
  {
    file: 'libs/persistence/src/reaches-up.ts',
    text: "import { outbox } from '@banyan/messaging'; console.log(outbox);",
    rules: ['platform-downwards-from-persistence'],
  },
  {
    file: 'libs/messaging/src/knows-a-shop.ts',
    text: "import { order } from '@banyan/orders'; console.log(order);",
    rules: ['platform-downwards-from-messaging'],
  },
  {
    file: 'libs/config/src/is-not-lowest.ts',
    text: "import { route } from '@banyan/http'; console.log(route);",
    rules: ['platform-downwards-from-config'],
  },
  {
    file: 'apps/monolith/src/climbs-through-a-window.ts',
    text: "import { order } from '../../../libs/orders/src/order'; console.log(order);",
    rules: ['only-through-the-door'],
  },
  {
    file: 'libs/orders/src/climbs-through-a-window.ts',
    text: "import { database } from '../../persistence/src/database'; console.log(database);",
    rules: ['only-through-the-door'],
  },
  {
    file: 'tools/db/climbs-through-a-window.ts',
    text: "import type { Order } from '../../libs/orders/src/order'; export type Mine = Order;",
    rules: ['only-through-the-door'],
  },
  {
    file: 'test/bus/climbs-through-a-window.ts',
    text: "import { database } from '../../libs/persistence/src/database'; console.log(database);",
    rules: ['only-through-the-door'],
  },
  {
    file: 'libs/http/src/uses-a-command.ts',
    text: "import { audit } from '../../../tools/audit/main'; console.log(audit);",
    rules: ['libraries-below-apps'],
  },
  {
    file: 'apps/orders/src/uses-another-app.ts',
    text: "import { modules } from '../../monolith/src/modules'; console.log(modules);",
    rules: ['apps-apart'],
  },
  {
    file: 'apps/gateway/src/knows-a-module.ts',
    text: "import { order } from '@banyan/orders'; console.log(order);",
    rules: ['gateway-knows-no-module'],
  },
  {
    file: 'apps/gateway/src/knows-what-modules-are-made-with.ts',
    text: "import type { outbox } from '@banyan/messaging'; export type Mine = typeof outbox;",
    rules: ['gateway-knows-no-module'],
  },
  {
    file: 'libs/payments/src/chicken.ts',
    text: "import { egg } from './egg'; export const chicken = () => egg;",
    rules: ['no-cycles'],
  },
  {
    file: 'libs/payments/src/egg.ts',
    text: "import { chicken } from './chicken'; export const egg = () => chicken;",
    // A circle is reported once, where it is entered.
    rules: [],
  },
  {
    file: 'libs/payments/src/borrows.ts',
    text: "import { borrowed } from 'borrowed'; console.log(borrowed);",
    rules: ['packages-in-package-json'],
  },
];

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

function violationsIn(folder: string): Promise<Violation[]> {
  const cruiser = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs');
  const rules = join(root, '.dependency-cruiser.cjs');
  return new Promise((answer, fail) => {
    execFile(
      process.execPath,
      [cruiser, 'libs', 'apps', 'tools', 'test', '--config', rules, '--output-type', 'json'],
      { cwd: folder, maxBuffer: 200_000_000 },
      // It exits with the number of violations, which is no failure of its own.
      (error, out) => {
        if (!out) return fail(error ?? new Error('dependency-cruiser said nothing.'));
        const { violations, ruleSetUsed } = (JSON.parse(out) as Report).summary;
        const reasons = new Map(ruleSetUsed.forbidden.map(({ name, comment }) => [name, comment]));
        answer(violations.map((violation) => ({ ...violation, comment: reasons.get(violation.rule.name) ?? '' })));
      },
    );
  });
}
