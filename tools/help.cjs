const { scriptsHelp } = require('../package.json');

const width = Math.max(...Object.keys(scriptsHelp).map((call) => call.length));
for (const [call, says] of Object.entries(scriptsHelp)) console.log(`${call.padEnd(width)}  ${says}`);
