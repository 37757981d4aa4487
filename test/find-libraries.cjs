// Finds `@banyan/…` where tsconfig says, for whatever runs from source without Jest's own resolver: programs that tests
// start, and Jest's global setups.
const Module = require('node:module');
const { join } = require('node:path');

const resolve = Module._resolveFilename;
Module._resolveFilename = function (request, ...rest) {
  const library = /^@banyan\/([^/]+)$/.exec(request)?.[1];
  return resolve.call(this, library ? join(__dirname, '..', 'libs', library, 'src', 'index.ts') : request, ...rest);
};
