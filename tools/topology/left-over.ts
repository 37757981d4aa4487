import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

const ENDED_WITHIN_MS = 5_000;

interface Noted {
  pid: number;
  /** When the process began, as the system writes it: a number alone may be another program's by now. */
  began: string | null;
}

/** Notes in the folder that this process runs under this name; the answer takes the note away again. */
export function note(folder: string, name: string, pid: number): () => void {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${name}.json`);
  writeFileSync(file, JSON.stringify({ pid, began: beginningOf(pid) } satisfies Noted));
  return () => {
    if (read(file)?.pid === pid) rmSync(file, { force: true });
  };
}

/**
 * Ends what is still there of the processes noted in the folder, whose runner was killed before it could end them; nothing of
 * what they have committed is lost by that. Answers their names.
 */
export async function endLeftOver(folder: string): Promise<string[]> {
  mkdirSync(folder, { recursive: true });
  const ended: string[] = [];
  for (const entry of readdirSync(folder).filter((file) => file.endsWith('.json'))) {
    const file = join(folder, entry);
    const noted = read(file);
    const isThere = () => noted !== null && noted.began !== null && beginningOf(noted.pid) === noted.began;
    if (isThere()) {
      process.kill(noted!.pid, 'SIGKILL');
      ended.push(entry.slice(0, -'.json'.length));
    }
    for (const giveUpAt = Date.now() + ENDED_WITHIN_MS; isThere() && Date.now() < giveUpAt;) await wait(20);
    rmSync(file, { force: true });
  }
  return ended;
}

function read(file: string): Noted | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Noted;
  } catch {
    // Cut short when its writer was killed: what it would have said is not known.
    return null;
  }
}

/** When a process began; null where it is gone, or only waits to be collected. */
function beginningOf(pid: number): string | null {
  if (process.platform !== 'linux') {
    return spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).stdout.trim() || null;
  }
  try {
    // After the name, which may hold anything but ends with the last bracket: state first, the beginning as 20th.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
    return fields[0] === 'Z' ? null : fields[19]!;
  } catch {
    return null;
  }
}
