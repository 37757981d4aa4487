const { join } = require('node:path');

if (Number(process.versions.node.split('.')[0]) < 24) {
  process.stderr.write(
    `Banyan needs Node 24 or newer and this is ${process.versions.node}: start it with npm start, or install Node 24.\n`,
  );
  process.exit(1);
}
require('./load-environment.cjs').loadEnvironment();
// Only what runs the shop; the commands beside it are built when one is first used.
const { ensureBuilt, SHOP } = require('./ensure-built.cjs');
ensureBuilt(SHOP);
// In this very process, so that signals and exit codes are the shop's own.
require(join(__dirname, '..', 'dist', 'apps', 'monolith', 'src', 'main.js'));
