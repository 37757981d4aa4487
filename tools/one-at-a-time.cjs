// Runs on Node 20: nothing newer is sure to be there before the install.
const { linkSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } = require('node:fs');
const { dirname } = require('node:path');

// No install or build takes longer; a lock this old belonged to a process whose number another one has by now.
const STALE_MS = 15 * 60_000;

/**
 * Does the work while no other process does the same under this lock file; waits for its turn. A lock whose owner was
 * killed is taken over. `onWait` is called once if there is somebody to wait for.
 */
function oneAtATime(file, work, onWait) {
  mkdirSync(dirname(file), { recursive: true });
  let waited = false;
  while (!take(file)) {
    if (!waited) onWait();
    waited = true;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  }
  const release = () => rmSync(file, { force: true });
  process.once('exit', release);
  try {
    return work();
  } finally {
    process.off('exit', release);
    release();
  }
}

function take(file) {
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  if (isHeld(file)) return false;
  // Of several that find the owner dead one moves the lock away; who moved a living one's by mistake puts it back.
  const aside = `${file}.${process.pid}`;
  try {
    renameSync(file, aside);
    if (isHeld(aside)) linkSync(aside, file);
  } catch (error) {
    if (error.code !== 'ENOENT' && error.code !== 'EEXIST') throw error;
  }
  rmSync(aside, { force: true });
  return false;
}

function isHeld(file) {
  try {
    if (Date.now() - statSync(file).mtimeMs > STALE_MS) return false;
    const owner = Number(readFileSync(file, 'utf8'));
    // Another process is between making the file and writing its number into it.
    if (!owner) return true;
    process.kill(owner, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

module.exports = { oneAtATime };
