const { spawnSync } = require('node:child_process');
const { createHash } = require('node:crypto');
const { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { oneAtATime } = require('./one-at-a-time.cjs');

const root = join(__dirname, '..');
const stampOf = (project) => join(root, 'dist', `.built-${project}`);
const SHOP = ['monolith', 'payment-provider'];
// The commands are compiled in one go with every app, since nearly all sources are the same.
const EVERYTHING = ['tools'];

/**
 * Builds these projects (default: every app and command) into `dist` where a source has changed since their last build. Ends the process
 * where one does not compile.
 */
function ensureBuilt(projects = EVERYTHING) {
  if (stale(projects).length === 0) return;
  const wait = () => say('Waiting for another build to finish …\n');
  oneAtATime(join(root, '.banyan', 'build.lock'), () => build(projects), wait);
}

function build(projects) {
  const sources = hashOfSources();
  const wanted = stale(projects, sources);
  if (wanted.length === 0) return;
  const began = Date.now();
  mkdirSync(join(root, 'dist'), { recursive: true });
  wanted.forEach((project, done) => {
    progress(
      `Building ${wanted.length > 1 ? `${done + 1}/${wanted.length}: ` : ''}${project === 'tools' ? 'every app and command' : project} …`,
    );
    const nest = join(root, 'node_modules', '@nestjs', 'cli', 'bin', 'nest.js');
    const built = spawnSync(process.execPath, [nest, 'build', project], { cwd: root, encoding: 'utf8' });
    if (built.status !== 0) {
      say(`\n${built.stdout ?? ''}${built.stderr ?? ''}\n${project} does not compile: see above.\n`);
      process.exit(1);
    }
    // The hash from before the build: what was edited meanwhile is built next time.
    for (const one of project === 'tools' ? allProjects() : [project]) writeFileSync(stampOf(one), sources);
  });
  progress(`Built in ${((Date.now() - began) / 1000).toFixed(1)} s.`);
  say('\n');
}

function allProjects() {
  return Object.keys(JSON.parse(readFileSync(join(root, 'nest-cli.json'), 'utf8')).projects);
}

function stale(projects, sources = hashOfSources()) {
  return projects.filter((project) => {
    const stamp = stampOf(project);
    return !existsSync(stamp) || readFileSync(stamp, 'utf8') !== sources;
  });
}

function hashOfSources() {
  const hash = createHash('sha256');
  const files = ['tsconfig.json', 'nest-cli.json', 'package-lock.json'];
  for (const folder of ['apps', 'libs', 'tools']) {
    for (const entry of readdirSync(join(root, folder), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !/\.(ts|json)$/.test(entry.name) || entry.name.endsWith('.spec.ts')) continue;
      files.push(join(entry.parentPath, entry.name).slice(root.length + 1));
    }
  }
  for (const file of files.sort()) hash.update(`${file}\n`).update(readFileSync(join(root, file)));
  return hash.digest('hex');
}

/** One line that is overwritten on a terminal and printed once each in a log. */
function progress(line) {
  if (process.stderr.isTTY) say(`\r\x1b[K${line}`);
  else say(`${line}\n`);
}

function say(text) {
  process.stderr.write(text);
}

module.exports = { ensureBuilt, EVERYTHING, SHOP };
if (require.main === module) ensureBuilt();
