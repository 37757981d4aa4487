const { join } = require('node:path');
const { parseArgs } = require('node:util');

const HELP = `The shop, with everything that it needs on this machine.

  npm start                          in one process, on port 3000
  npm start -- --topology NAME       placed as deploy/topologies/NAME.yaml says, or as a file of your own does, behind the
                                     gateway, with Kafka where the topology needs it

PORT takes another port, BANYAN_FOLDER another folder for all that is kept. Ctrl-C stops it.
`;

if (Number(process.versions.node.split('.')[0]) < 24) {
  end(
    `Banyan needs Node 24 or newer and this is ${process.versions.node}: start it with npm start, or install Node 24.`,
  );
}
const { topology, help } = readArguments();
if (help) {
  process.stdout.write(HELP);
  process.exit(0);
}
require('./load-environment.cjs').loadEnvironment();
const { ensureBuilt, EVERYTHING, SHOP } = require('./ensure-built.cjs');
// Only what runs the shop; the commands beside it are built when one is first used.
ensureBuilt(topology === undefined ? SHOP : EVERYTHING);
const program = topology === undefined ? 'apps/monolith/src/main.js' : 'tools/topology/main.js';
// In this very process, so that signals and exit codes are the shop's own.
require(join(__dirname, '..', 'dist', program));

function readArguments() {
  const options = { topology: { type: 'string' }, help: { type: 'boolean', short: 'h' } };
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    return end(`${error.message.split('. ')[0]}. See npm start -- --help.`);
  }
}

function end(line) {
  process.stderr.write(`${line}\n`);
  process.exit(1);
}
