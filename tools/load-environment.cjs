const { existsSync } = require('node:fs');
const { join } = require('node:path');

/** Takes from `.env` in the project, if there is one, the variables that are not set already. */
function loadEnvironment() {
  const file = join(__dirname, '..', '.env');
  if (existsSync(file)) process.loadEnvFile(file);
}

module.exports = { loadEnvironment };
