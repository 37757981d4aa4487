// Who may import whom. test/architecture/ shows for each of these rules something that it forbids.
const { existsSync, readdirSync } = require('node:fs');
const { join } = require('node:path');

// The libraries that define messages.
const MODULES = readdirSync(join(__dirname, 'libs')).filter((library) =>
  existsSync(join(__dirname, 'libs', library, 'src', 'messages.ts')),
);
// Each may import those before it.
const PLATFORM = [
  'lifetime',
  'config',
  'failpoints',
  'telemetry',
  'problem',
  'persistence',
  'messaging',
  'process-manager',
  'http',
  'operations',
  'hosting',
];
// What modules may import of it: all but what hosts them.
const UNDER_MODULES = PLATFORM.filter((library) => !['lifetime', 'hosting'].includes(library));

const anyOf = (names) => `(${names.join('|')})`;
const inLibrary = (names) => `^libs/${anyOf(names)}/`;
// Specs, and what only they need.
const TESTS = ['\\.spec\\.ts$', '^libs/[^/]+/test/'];

const downwards = PLATFORM.map((library, floor) => ({
  name: `platform-downwards-from-${library}`,
  comment: `${library} may import ${PLATFORM.slice(0, floor).join(', ') || 'no other library'}: the platform is a stack, not a web.`,
  severity: 'error',
  from: { path: `^libs/${library}/`, pathNot: TESTS },
  to: { path: '^libs/', pathNot: inLibrary(PLATFORM.slice(0, floor + 1)) },
}));

module.exports = {
  forbidden: [
    {
      name: 'modules-apart',
      comment:
        'A module imports no other module, not even a type: it declares what it needs of a message in its own subscriptions.ts. So a module can leave for a process, or a repository, of its own.',
      severity: 'error',
      from: { path: inLibrary(MODULES) },
      to: { path: inLibrary(MODULES), pathNot: '^libs/$1/' },
    },
    ...downwards,
    {
      name: 'modules-on-platform-only',
      comment: 'A module imports the platform and nothing else: it does not know in which app it runs.',
      severity: 'error',
      from: { path: inLibrary(MODULES), pathNot: TESTS },
      to: { path: '^(libs|apps|tools|test)/', pathNot: inLibrary([...MODULES, ...UNDER_MODULES]) },
    },
    {
      name: 'only-through-the-door',
      comment: "Whoever is not of a library imports its src/index.ts, as '@banyan/NAME': the rest may change any day.",
      severity: 'error',
      // To break a part on purpose one has to hold it.
      from: { path: '^(?:libs/([^/]+)|apps/[^/]+|tools|test)/', pathNot: '^test/bus/broken/' },
      to: { path: '^libs/[^/]+/', pathNot: ['^libs/[^/]+/src/index\\.ts$', '^libs/$1/'] },
    },
    {
      name: 'libraries-below-apps',
      comment: 'Libraries import no app and no command; only their tests may look into test/.',
      severity: 'error',
      from: { path: '^libs/', pathNot: TESTS },
      to: { path: '^(apps|tools|test)/' },
    },
    {
      name: 'apps-apart',
      comment: 'An app imports no other app: what two of them need is a library.',
      severity: 'error',
      from: { path: '^apps/([^/]+)/' },
      to: { path: '^(apps|tools|test)/', pathNot: '^apps/$1/' },
    },
    {
      name: 'gateway-knows-no-module',
      comment:
        'The gateway leads to modules that it has never heard of, and stands before all of them: it imports no module, and nothing of what modules are made with.',
      severity: 'error',
      from: { path: '^apps/gateway/' },
      to: {
        path: inLibrary([...MODULES, 'persistence', 'messaging', 'process-manager', 'http', 'operations', 'hosting']),
      },
    },
    {
      name: 'no-cycles',
      comment: 'Two files that need each other when they run are one thing, or one of them is in the wrong place.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'packages-in-package-json',
      comment: 'What is imported must be listed in package.json; what the product needs must not be a devDependency.',
      severity: 'error',
      from: { path: '^(libs|apps)/.*\\.ts$', pathNot: TESTS },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|\\.banyan)/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
