const { join } = require('node:path');
require('./test/find-libraries.cjs');

/** One Jest project per level of test; `npm test` runs them all, `npx jest --selectProjects bus` runs one. */
const level = (displayName, testMatch, rest = {}) => ({
  displayName,
  rootDir: __dirname,
  testMatch: testMatch.map((glob) => `<rootDir>/${glob}`),
  testEnvironment: 'node',
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/.banyan/'],
  moduleNameMapper: { '^@banyan/([^/]+)$': '<rootDir>/libs/$1/src/index.ts' },
  transform: {
    '^.+\\.ts$': [
      require.resolve('@swc/jest'),
      {
        jsc: {
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
          target: 'es2023',
        },
        module: { type: 'commonjs' },
        sourceMaps: 'inline',
      },
    ],
  },
  ...rest,
});

// One PostgreSQL for the run, started by whichever of these levels comes first.
const withDatabase = {
  globalSetup: join(__dirname, 'test/database/start.ts'),
  globalTeardown: join(__dirname, 'test/database/stop.ts'),
};

// And one Kafka beside it, or a loud word that there is none.
const withKafka = {
  globalSetup: join(__dirname, 'test/kafka/start.ts'),
  globalTeardown: join(__dirname, 'test/kafka/stop.ts'),
};

const withShop = {
  globalSetup: join(__dirname, 'test/journeys/shop/open.ts'),
  globalTeardown: join(__dirname, 'test/journeys/shop/close.ts'),
  testEnvironment: join(__dirname, 'test/journeys/shop/witness.ts'),
};

module.exports = {
  // A Nest test file leaves about 14 MB behind in its worker.
  workerIdleMemoryLimit: '512MB',
  maxWorkers: 2,
  // Tests wait for conditions, never for a time: this ends only what would never end, on a busy machine too.
  testTimeout: 30_000,
  projects: [
    level(
      'unit',
      ['libs/**/*.spec.ts', 'apps/**/*.spec.ts', 'tools/**/*.spec.ts', 'test/database/**/*.spec.ts'],
      withDatabase,
    ),
    level('architecture', ['test/{architecture,how-to}/**/*.spec.ts'], withDatabase),
    level('bus', ['test/bus/**/*.spec.ts', 'test/kafka/**/*.spec.ts'], withKafka),
    level('door', ['test/door/**/*.spec.ts'], withShop),
    level('journeys', ['test/journeys/**/*.spec.ts'], withShop),
  ],
};
