const { join } = require('node:path');

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

module.exports = {
  workerIdleMemoryLimit: '512MB',
  maxWorkers: 2,
  projects: [
    level('unit', ['libs/**/*.spec.ts', 'apps/**/*.spec.ts', 'tools/**/*.spec.ts']),
    level('architecture', ['test/architecture/**/*.spec.ts']),
    level('bus', ['test/bus/**/*.spec.ts'], { globalSetup: join(__dirname, 'test/database/start.ts'), globalTeardown: join(__dirname, 'test/database/stop.ts') }),
    level('journeys', ['test/journeys/**/*.spec.ts'], { globalSetup: join(__dirname, 'test/journeys/shop/open.ts'), globalTeardown: join(__dirname, 'test/journeys/shop/close.ts') }),
  ],
};
