// node --require test/run-from-source.cjs program.ts: a process of the product's own TypeScript, without a build, for
// tests that kill processes. `@banyan/…` is found where tsconfig says.
const { readFileSync } = require('node:fs');
const { transformSync } = require('@swc/core');
require('./find-libraries.cjs');

require.extensions['.ts'] = (module, filename) => {
  const { code } = transformSync(readFileSync(filename, 'utf8'), {
    filename,
    swcrc: false,
    jsc: {
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
      target: 'es2023',
    },
    module: { type: 'commonjs' },
    sourceMaps: 'inline',
  });
  module._compile(code, filename);
};
