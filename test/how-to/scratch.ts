import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { until } from '../journeys/shop/eventually';
import type { Hunk } from './steps';

const root = join(__dirname, '../..');
/** What is made from the rest, or would be too much to copy. */
const NOT_COPIED = ['.git', '.banyan', 'coverage', 'dist', 'node_modules'];
const PATIENCE_MS = 240_000;

/** A copy of a repository's files in a folder of its own, in which one can do as one likes. */
export class Scratch {
  readonly folder = mkdtempSync(join(tmpdir(), 'banyan-how-to-'));
  private readonly temporary = join(this.folder, '.tmp');
  /** A file for each group of processes that runs, called after it. */
  private readonly groups = join(this.folder, '.groups');
  private readonly guard = guard(this.folder, this.groups);
  private readonly running = new Set<Running>();
  private inBackground: Running | undefined;

  /**
   * @param environment what commands are run with, beside what every shell has
   * @param original this repository, unless another folder is to be copied
   */
  constructor(
    private readonly environment: Record<string, string>,
    original = root,
  ) {
    // Root's PostgreSQL runs as an unprivileged user, who has to get in.
    chmodSync(this.folder, 0o711);
    mkdirSync(this.temporary, { mode: 0o711 });
    mkdirSync(this.groups);
    for (const name of readdirSync(original).filter((name) => !NOT_COPIED.includes(name))) {
      cpSync(join(original, name), join(this.folder, name), { recursive: true });
    }
    symlinkSync(join(root, 'node_modules'), join(this.folder, 'node_modules'));
  }

  /** Writes a new file. Throws where there is one already. */
  create(file: string, text: string): void {
    const path = join(this.folder, file);
    if (existsSync(path)) throw new Error(`${file} is there already.`);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }

  /** Changes a file. Throws where the lines to be changed are not there, or not only once. */
  change(file: string, hunks: readonly Hunk[]): void {
    const path = join(this.folder, file);
    const changed = hunks.reduce(
      (text, { before, after }) => {
        const around = `\n${text}`.split(`\n${before}\n`);
        if (around.length !== 2) {
          throw new Error(`${file} has these lines ${around.length - 1} times instead of once:\n${before}`);
        }
        return around.join(`\n${after}\n`).slice(1);
      },
      readFileSync(path, 'utf8'),
    );
    writeFileSync(path, changed);
  }

  /** Runs a command to its end. Throws where it fails, or does not answer these lines, in which `…` is whatever there is. */
  async run(command: string, answer: readonly string[] = []): Promise<void> {
    const running = this.begin(command);
    await running.endsWell();
    const missing = missingIn(running.output, answer);
    if (missing !== undefined) throw new Error(`${command} did not answer “${missing}”, but\n${running.output}`);
  }

  /** Runs a command until `stop`; resolves once it has answered these lines. */
  async start(command: string, answer: readonly string[]): Promise<void> {
    // In place of the shell, which would be ended by the signal whatever the command makes of it.
    const running = this.begin(`exec ${command}`);
    this.inBackground = running;
    await until(
      `${command} answers “${answer.join('\n')}”`,
      async () => {
        if (!this.running.has(running)) throw new Error(`${command} has ended:\n${running.output}`);
        return missingIn(running.output, answer) === undefined;
      },
      PATIENCE_MS,
    );
  }

  /** Presses Ctrl-C, where something is running. Throws where that does not end it well. */
  async stop(): Promise<void> {
    const running = this.inBackground;
    this.inBackground = undefined;
    running?.signal('SIGINT');
    await running?.endsWell();
  }

  /** Ends whatever runs still, and takes everything away. */
  async remove(): Promise<void> {
    for (const running of this.running) running.signal('SIGKILL');
    await Promise.all([...this.running].map(({ ended }) => ended));
    this.guard.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }

  private begin(command: string): Running {
    const child = spawn('sh', ['-e', '-c', command], {
      cwd: this.folder,
      // A group of its own, so that a signal reaches all that was started, as it does in a terminal.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: `${join(root, 'node_modules/.bin')}:${process.env['PATH']}`,
        HOME: process.env['HOME'],
        TMPDIR: this.temporary,
        NO_COLOR: '1',
        // What is installed was checked before this test; nobody may install through the link.
        npm_config_ignore_scripts: 'true',
        npm_config_update_notifier: 'false',
        ...this.environment,
      },
    });
    const running = new Running(command, child);
    const note = join(this.groups, String(child.pid));
    writeFileSync(note, '');
    this.running.add(running);
    void running.ended.then(() => {
      this.running.delete(running);
      rmSync(note);
    });
    return running;
  }
}

/** Ends what runs there and removes the folder when this process is gone, however it went: its end of the pipe closes then. */
function guard(folder: string, groups: string): ChildProcess {
  const script = `cat
    for group in $(ls "$2"); do kill -KILL "-$group"; done
    rm -rf "$1"`;
  const shell = spawn('/bin/sh', ['-c', script, 'sh', folder, groups], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  shell.unref();
  (shell.stdin as Socket).unref();
  return shell;
}

class Running {
  output = '';
  readonly ended: Promise<number | null>;

  constructor(
    private readonly command: string,
    private readonly child: ChildProcess,
  ) {
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => (this.output += stripVTControlCharacters(text)));
    }
    this.ended = once(child, 'close').then(([code]) => code as number | null);
  }

  /** Waits for its end. Throws where it fails, or does not come. */
  async endsWell(): Promise<void> {
    const late = setTimeout(() => this.signal('SIGKILL'), PATIENCE_MS);
    const code = await this.ended;
    clearTimeout(late);
    if (code !== 0) throw new Error(`${this.command} ended with ${code}:\n${this.output}`);
  }

  signal(signal: NodeJS.Signals): void {
    try {
      process.kill(-this.child.pid!, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

/** The first of these lines that the output lacks. */
export function missingIn(output: string, answer: readonly string[]): string | undefined {
  const lines = output.split('\n').map((line) => line.trim());
  return answer.find((wanted) => {
    const parts = wanted.trim().split('…');
    const pattern = new RegExp(`^${parts.map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('.*')}$`);
    return !lines.some((line) => pattern.test(line));
  });
}
