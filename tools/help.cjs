const { scripts, scriptsHelp } = require('../package.json');

const commands = Object.entries(scriptsHelp).filter(([name]) => name in scripts);
const call = (name, flags) => `npm ${name === 'start' || name === 'test' ? name : `run ${name}`}${flags ? ` -- ${flags}` : ''}`;
const rows = commands.flatMap(([name, help]) => help.map(([flags, says]) => [call(name, flags), says]));
const width = Math.max(...rows.map(([command]) => command.length));
for (const [command, says] of rows) console.log(`${command.padEnd(width)}  ${says}`);
