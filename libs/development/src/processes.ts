import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';

/**
 * Whether this process is alive and at work on this folder: its working directory is the folder. A number alone says
 * little, since another program may have it by now. Where the system does not tell working directories, its command
 * line must hold both the folder and the program's name.
 */
export function worksIn(pid: number, folder: string, program: string): boolean {
  if (!isAlive(pid)) return false;
  if (process.platform !== 'linux') {
    const command = spawnSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).stdout;
    return command.includes(program) && command.includes(folder);
  }
  try {
    const [at, own] = [statSync(`/proc/${pid}/cwd`), statSync(folder)];
    return at.dev === own.dev && at.ino === own.ino;
  } catch {
    return false;
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as { code?: string }).code === 'EPERM';
  }
}

/** Sends a signal; to a process that is gone already, none. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as { code?: string }).code !== 'ESRCH') throw error;
  }
}
