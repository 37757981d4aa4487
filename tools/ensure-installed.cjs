// Runs before every npm script, on Node 20 and straight after a clone, so: plain CommonJS and nothing from node_modules.
const { spawnSync } = require('node:child_process');
const { createHash } = require('node:crypto');
const { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { oneAtATime } = require('./one-at-a-time.cjs');

const root = join(__dirname, '..');
const modules = join(root, 'node_modules');
const stamp = join(modules, '.installed');
const nodeLink = join(modules, '.bin', 'node');
const NODE_NEEDED = '24.11';

// Production installs leave out what only development needs, on purpose; nothing may bring it back.
if (process.env.NODE_ENV !== 'production' && !isInstalled()) {
  oneAtATime(join(root, '.banyan', 'install.lock'), install, () => say('Waiting for another install to finish …'));
}
linkNode();
if (!existsSync(nodeLink) && isOlder(process.versions.node, NODE_NEEDED)) {
  say(
    `Banyan needs Node ${NODE_NEEDED} or newer and this is ${process.versions.node}: install it (for example nvm install 24) and try again.`,
  );
  process.exit(1);
}

function isInstalled() {
  if (!existsSync(modules)) return false;
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lockHash()) return true;
  // Installed by npm itself (npm ci, npm i NAME): npm notes what it put there.
  if (!holdsWhatTheLockSays()) return false;
  writeFileSync(stamp, lockHash());
  return true;
}

function holdsWhatTheLockSays() {
  const noted = join(modules, '.package-lock.json');
  if (!existsSync(noted)) return false;
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  const present = JSON.parse(readFileSync(noted, 'utf8')).packages;
  return Object.entries(wanted).every(
    ([place, { version }]) => place === '' || !isForHere(wanted[place]) || present[place]?.version === version,
  );
}

function isForHere({ os, cpu, libc, optional }) {
  if (!optional) return true;
  const fits = (list, own) => list !== undefined && list.includes(own);
  // Packages without a platform may be optional for reasons only npm knows; which libc is here likewise.
  return fits(os, process.platform) && fits(cpu, process.arch) && libc === undefined;
}

function install() {
  if (isInstalled()) return;
  const began = Date.now();
  say('Installing what package-lock.json lists; the first time this takes a minute …');
  // The Node that runs npm, not the one in node_modules, which the install removes first.
  const node = process.env.npm_node_execpath || process.execPath;
  const npm = process.env.npm_execpath;
  const options = ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'];
  const done = npm
    ? spawnSync(node, [npm, ...options], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })
    : spawnSync('npm', options, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
  if (done.status !== 0) {
    say(`npm ci failed${done.error ? ` (${done.error.message})` : ''}: mend the cause named above and try again.`);
    process.exit(1);
  }
  writeFileSync(stamp, lockHash());
  say(`Installed in ${Math.round((Date.now() - began) / 1000)} s.`);
}

/** npm 9 and 10 remove the shared link again when they drop the package of the other processor. */
function linkNode() {
  if (existsSync(nodeLink)) return;
  const program = `node-linux-${process.arch}/bin/node`;
  if (process.platform !== 'linux' || !existsSync(join(modules, program))) return;
  mkdirSync(join(modules, '.bin'), { recursive: true });
  rmSync(nodeLink, { force: true });
  try {
    symlinkSync(`../${program}`, nodeLink);
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
}

function lockHash() {
  return createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
}

function isOlder(version, than) {
  const [major, minor] = version.split('.').map(Number);
  const [thanMajor, thanMinor] = than.split('.').map(Number);
  return major < thanMajor || (major === thanMajor && minor < thanMinor);
}

function say(line) {
  process.stderr.write(`${line}\n`);
}
