// node tools/run.cjs NAME …: the developer command in tools/NAME/main.ts, built if needed.
const { join } = require('node:path');
const { ensureBuilt } = require('./ensure-built.cjs');
const { loadEnvironment } = require('./load-environment.cjs');
const { outliveReaders } = require('./outlive-readers.cjs');

outliveReaders();
loadEnvironment();
ensureBuilt();
const [name, ...rest] = process.argv.slice(2);
const program = join(__dirname, '..', 'dist', 'tools', name, 'main.js');
// The command sees its own arguments where every program looks for them.
process.argv = [process.argv[0], program, ...rest];
require(program);
