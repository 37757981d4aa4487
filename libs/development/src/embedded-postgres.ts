import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { basename, dirname, join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Client } from 'pg';
import { PostgresDidNotStart } from './errors';
import { holdFolder } from './folder-lock';
import {
  canEnter,
  findBinaries,
  oneLine,
  serverAccount,
  warehouse,
  type Account,
  type Binaries,
} from './postgres-binaries';
import { isAlive, signal, worksIn } from './processes';

/*
 * Terminology
 *   home      the folder with everything of one server: data, password, log
 *   leftover  a server still running on the data after the process that started it was killed
 */

export interface EmbeddedPostgresOptions {
  /** Where data, password and log are kept; created if missing, reused if there. */
  folder: string;
  /** Created if missing. Default `banyan`. */
  database?: string;
  /** PostgreSQL settings beside or instead of ours, for instance `{ log_statement: 'all' }`. */
  settings?: Record<string, string>;
  /** Hears in one line each what a person may wonder about later. Default: standard error. */
  tell?: (line: string) => void;
}

export interface EmbeddedPostgres {
  /** Superuser's URL on 127.0.0.1, good until stop(), also across a crash of the server. */
  url: string;
  /** Process id of the server at this moment. */
  pid(): number;
  /** Fast shutdown; resolves when the server is gone. */
  stop(): Promise<void>;
  /** Lets go of the server, which goes on without us until somebody ends it or adopts it. */
  leave(): void;
}

interface Home {
  data: string;
  log: string;
  password: string;
  account: Account;
  binaries: Binaries;
  settings: Record<string, string>;
}

interface Server {
  pid: number;
  port: number;
  /** Absent where the server is a leftover that was adopted. */
  child?: ChildProcess;
}

const SUPERUSER = 'postgres';

// For a machine of two cores that also runs the shop, an editor and a browser. Durability is never traded away:
// what holds in development must hold in production.
const SETTINGS: Record<string, string> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '200',
  shared_buffers: '128MB',
  fsync: 'on',
  synchronous_commit: 'on',
  jit: 'off',
  io_workers: '1',
  random_page_cost: '1.1',
  timezone: 'UTC',
  log_timezone: 'UTC',
  lc_messages: 'C',
  log_line_prefix: '%m [%p] %u@%d ',
};

const RECOVERY_MS = 120_000;
const SILENCE_MS = 5_000;
const OBSTACLE_MS = 10_000;
const SHUTDOWN_MS = 20_000;
const ADOPTED_CHECK_MS = 250;
const LOG_LIMIT_BYTES = 20_000_000;

/**
 * A real PostgreSQL from npm's binaries, on a free port of 127.0.0.1. The data stays for the next start. A server
 * left over on the data is adopted if it answers and replaced if not; a crashed one is started again on its port.
 * Ends with this process, unless that is killed outright: then the next start adopts it.
 * Throws FolderInUse where another living process has the folder, PostgresDidNotStart otherwise.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const tell = options.tell ?? ((line: string) => process.stderr.write(`${line}\n`));
  const folder = resolve(options.folder);
  const held = holdFolder(folder);
  try {
    const home = openHome(folder, options.settings ?? {}, tell);
    const server = (await adoptLeftover(home, tell)) ?? (await launch(home));
    const supervised = supervise(home, server, tell);
    const database = options.database ?? 'banyan';
    await createDatabase(home, server.port, database);
    return {
      url: urlOf(home, server.port, database),
      pid: supervised.pid,
      stop: async () => {
        await supervised.stop();
        held.release();
      },
      leave: () => {
        supervised.leave();
        held.release();
      },
    };
  } catch (error) {
    held.release();
    throw error;
  }
}

/** Everything a server needs before it can be started: binaries, data, password, each readable by its account alone. */
function openHome(folder: string, settings: Record<string, string>, tell: (line: string) => void): Home {
  const account = serverAccount();
  const binaries = findBinaries(account, tell);
  let place = folder;
  if (!canEnter(account, folder)) {
    place = warehouse(`${basename(dirname(dirname(folder))) || 'banyan'}-${hashOf(folder)}`);
    mkdirSync(place, { recursive: true, mode: 0o755 });
    if (!existsSync(join(place, 'data'))) {
      tell(`PostgreSQL runs as an unprivileged user, who cannot reach ${folder}: its data is in ${place}.`);
    }
  }
  const home: Home = {
    data: join(place, 'data'),
    log: join(place, 'postgres.log'),
    password: keptPassword(join(place, 'password'), account),
    account,
    binaries,
    settings: { ...SETTINGS, ...settings },
  };
  if (!existsSync(home.data)) initialise(home, place);
  const made = readFileSync(join(home.data, 'PG_VERSION'), 'utf8').trim();
  if (made !== binaries.major) {
    throw new PostgresDidNotStart(
      `${home.data} was made by PostgreSQL ${made}, this is ${binaries.major}: move the folder away to begin afresh, or set DATABASE_URL.`,
    );
  }
  return home;
}

const hashOf = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 12);

function keptPassword(file: string, account: Account): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    if (codeOf(error) === 'EACCES') {
      throw new PostgresDidNotStart(
        `${file} belongs to another user: start as that one, or set BANYAN_FOLDER to a folder of your own.`,
      );
    }
    if (codeOf(error) !== 'ENOENT') throw error;
  }
  const password = randomBytes(24).toString('base64url');
  writeFileSync(file, `${password}\n`, { mode: 0o600 });
  if (account) chownSync(file, account.uid, account.gid);
  return password;
}

/** Makes the data beside its place and moves it there whole, so that a start cut short leaves nothing half made. */
function initialise(home: Home, place: string): void {
  for (const name of readdirSync(place)) {
    if (name.startsWith('.data-')) rmSync(join(place, name), { recursive: true, force: true });
  }
  const draft = mkdtempSync(join(place, '.data-'));
  if (home.account) chownSync(draft, home.account.uid, home.account.gid);
  const made = spawnSync(
    join(home.binaries.folder, 'bin', 'initdb'),
    [
      `--pgdata=${draft}`,
      `--username=${SUPERUSER}`,
      `--pwfile=${join(place, 'password')}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      // The same order of letters on every machine, whatever locales it has.
      '--locale=C',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--no-instructions',
    ],
    { ...home.account, cwd: '/', env: serverEnvironment, encoding: 'utf8' },
  );
  if (made.status !== 0) {
    rmSync(draft, { recursive: true, force: true });
    throw new PostgresDidNotStart(
      `PostgreSQL could not make its data in ${place}: ${oneLine(made.error?.message ?? made.stderr)}`,
    );
  }
  renameSync(draft, home.data);
}

const serverEnvironment = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };

/** The leftover on this data, if there is one that answers; one that does not is ended first. */
async function adoptLeftover(home: Home, tell: (line: string) => void): Promise<Server | null> {
  const noted = readPidFile(home);
  if (!noted) return null;
  const answer = await answers(home, noted.port, () => isServerOf(noted.pid, home.data), SILENCE_MS);
  if (answer === 'ready') return noted;
  if (answer === 'silent') {
    tell(`A PostgreSQL left over from an earlier start (process ${noted.pid}) does not answer: replaced.`);
    await end(noted.pid, home.data, ['SIGQUIT', 'SIGKILL'], 1_000);
  }
  return null;
}

/**
 * PostgreSQL sees through a pid file whose process is gone. It does not where the number belongs to another program by
 * now, or to a dead process that nobody has collected.
 */
function removeMisleadingPidFile(home: Home): void {
  const noted = readPidFile(home);
  if (noted && isAlive(noted.pid) && !isServerOf(noted.pid, home.data)) {
    rmSync(join(home.data, 'postmaster.pid'), { force: true });
  }
}

/**
 * Starts a server, on a free port or on the given one. What stands in its way for a moment only is waited for: a port
 * just taken, processes of a killed server that have yet to notice.
 */
async function launch(home: Home, fixedPort?: number): Promise<Server> {
  const giveUpAt = Date.now() + OBSTACLE_MS;
  for (;;) {
    removeMisleadingPidFile(home);
    const port = fixedPort ?? (await freePort());
    const log = openLog(home.log);
    const child = spawn(join(home.binaries.folder, 'bin', 'postgres'), serverArguments(home, port), {
      ...home.account,
      cwd: '/',
      env: serverEnvironment,
      // A group of its own: Ctrl-C is for the app, which stops its database last.
      detached: true,
      stdio: ['ignore', log.descriptor, log.descriptor],
    });
    closeSync(log.descriptor);
    let failure: Error | undefined;
    child.once('error', (error) => (failure = error));
    const running = () => !failure && child.exitCode === null && child.signalCode === null;
    if ((await answers(home, port, running, RECOVERY_MS)) === 'ready' && child.pid) {
      child.unref();
      return { pid: child.pid, port, child };
    }
    child.kill('SIGKILL');
    const said = failure?.message ?? fatalLine(home.log, log.start);
    const passing = /Address already in use|could not bind|pre-existing shared memory/i.test(said);
    if (!passing || Date.now() > giveUpAt) {
      throw new PostgresDidNotStart(`PostgreSQL did not start: ${said} (its log: ${home.log})`);
    }
    await wait(100);
  }
}

const serverArguments = (home: Home, port: number): string[] => [
  '-D',
  home.data,
  ...Object.entries({ ...home.settings, port: String(port) }).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
];

function openLog(file: string): { descriptor: number; start: number } {
  const start = existsSync(file) ? statSync(file).size : 0;
  if (start < LOG_LIMIT_BYTES) return { descriptor: openSync(file, 'a', 0o600), start };
  renameSync(file, `${file}.1`);
  return { descriptor: openSync(file, 'a', 0o600), start: 0 };
}

function fatalLine(log: string, start: number): string {
  const lines = readFileSync(log).subarray(start).toString('utf8').trim().split('\n');
  const telling = lines.filter((line) => /FATAL|PANIC|could not bind|error while loading/.test(line));
  return (telling.at(-1) ?? lines.at(-1) ?? 'it said nothing').replace(/^.*?(FATAL|PANIC):\s*/, '');
}

/**
 * Keeps the server running until stop(): one that ends by itself or is killed is started again on its port, so that
 * the URL given out stays true.
 */
function supervise(home: Home, first: Server, tell: (line: string) => void): Omit<EmbeddedPostgres, 'url'> {
  let server = first;
  let stopping = false;
  let revival: Promise<void> = Promise.resolve();

  const revive = async (): Promise<void> => {
    while (!stopping) {
      try {
        server = await launch(home, server.port);
        tell(`PostgreSQL had ended (see ${home.log}) and was started again.`);
        return watch();
      } catch (error) {
        tell(error instanceof Error ? error.message : String(error));
        await wait(1_000);
      }
    }
  };
  const ended = () => {
    if (!stopping) revival = revive();
  };
  const watch = () => {
    if (server.child) return void server.child.once('exit', ended);
    const look = setInterval(() => {
      if (!stopping && isServerOf(server.pid, home.data)) return;
      clearInterval(look);
      ended();
    }, ADOPTED_CHECK_MS).unref();
  };
  // The last resort of a process that ends without stop(): nobody is left to wait for the shutdown, but it is begun.
  const atExit = () => signal(server.pid, 'SIGINT');

  process.once('exit', atExit);
  watch();
  return {
    pid: () => server.pid,
    stop: async () => {
      stopping = true;
      await revival;
      await end(server.pid, home.data, ['SIGINT', 'SIGQUIT', 'SIGKILL'], SHUTDOWN_MS);
      process.off('exit', atExit);
    },
    leave: () => {
      stopping = true;
      process.off('exit', atExit);
    },
  };
}

/** Ends a server by the gentlest of the signals that works, giving each this long. */
async function end(pid: number, data: string, signals: NodeJS.Signals[], patienceMs: number): Promise<void> {
  for (const name of signals) {
    signal(pid, name);
    const until = Date.now() + patienceMs;
    while (Date.now() < until) {
      if (!isServerOf(pid, data)) return;
      await wait(20);
    }
  }
}

/**
 * Waits for a server to take a login: `ready`; `gone` as soon as it is not running any more; `silent` once it has
 * shown no sign of life for the time given. One that says it is recovering may take two minutes.
 */
async function answers(
  home: Home,
  port: number,
  running: () => boolean,
  silenceMs: number,
): Promise<'ready' | 'gone' | 'silent'> {
  const begun = Date.now();
  let patience = silenceMs;
  while (running() && Date.now() - begun < patience) {
    try {
      await withClient(home, port, 'postgres', (client) => client.query('SELECT 1'));
      return 'ready';
    } catch (error) {
      if (codeOf(error) === CANNOT_CONNECT_NOW) patience = RECOVERY_MS;
      if (codeOf(error) === INVALID_PASSWORD) return 'silent';
    }
    await wait(25);
  }
  return running() ? 'silent' : 'gone';
}

const CANNOT_CONNECT_NOW = '57P03';
const INVALID_PASSWORD = '28P01';
const DUPLICATE_DATABASE = '42P04';

async function createDatabase(home: Home, port: number, name: string): Promise<void> {
  await withClient(home, port, 'postgres', async (client) => {
    const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
    if (found.rowCount) return;
    try {
      await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`);
    } catch (error) {
      if (codeOf(error) !== DUPLICATE_DATABASE) throw error;
    }
  });
}

async function withClient<T>(
  home: Home,
  port: number,
  database: string,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const client = new Client({ connectionString: urlOf(home, port, database), connectionTimeoutMillis: 2_000 });
  // A connection that breaks later fails the query in hand; without a listener it would end the process too.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

const urlOf = (home: Home, port: number, database: string) =>
  `postgres://${SUPERUSER}:${home.password}@127.0.0.1:${port}/${encodeURIComponent(database)}`;

function readPidFile(home: Home): { pid: number; port: number } | null {
  try {
    const lines = readFileSync(join(home.data, 'postmaster.pid'), 'utf8').split('\n');
    return { pid: Number(lines[0]), port: Number(lines[3]) };
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  }
}

/** A server's working directory is its data. */
const isServerOf = (pid: number, data: string) => worksIn(pid, data, 'postgres');

function freePort(): Promise<number> {
  return new Promise((answer, fail) => {
    const probe = createServer();
    probe.once('error', fail);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => answer(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

/** PostgreSQL's or the system's code of an error, where it has one. */
const codeOf = (error: unknown) => (error as { code?: string } | null)?.code;
