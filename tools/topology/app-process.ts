import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { note } from './left-over';

/** An app did not come up; the message holds the last that it said. */
export class AppDidNotStart extends Error {
  constructor(name: string, said: string) {
    super(`${name} did not start: ${said || 'it said nothing'}`);
  }
}

export interface Program {
  /** By which it is called, noted and told of. */
  name: string;
  /** The file to run. */
  file: string;
  arguments?: readonly string[];
  environment: NodeJS.ProcessEnv;
  port: number;
  /** Where it is noted that the process runs. */
  notes: string;
  /** Hears each line that it prints. */
  printed(line: string): void;
  /** Hears what a person should know of it: that it ended, and when it is started again. */
  tell(line: string): void;
}

const START_MS = 60_000;
const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_MS = 8_000;
// Who has served for so long was not killed by its own start.
const STEADY_MS = 10_000;

/**
 * A process that says over its channel when it listens, and is kept running: one that ends unasked is started again, the
 * sooner the longer it had served.
 */
export class AppProcess {
  private child: ChildProcess | undefined;
  private wanted = false;
  private delayMs = FIRST_DELAY_MS;
  private readonly halt = new Set<() => void>();
  private said: string[] = [];

  constructor(private readonly program: Program) {}

  /** Of the process at this moment; undefined while there is none. */
  get pid(): number | undefined {
    return this.child?.pid;
  }

  /** Starts it, which takes until it listens, and looks after it from then on. Throws AppDidNotStart, and leaves it at that. */
  async start(): Promise<void> {
    this.wanted = true;
    this.delayMs = FIRST_DELAY_MS;
    try {
      await this.launch();
    } catch (error) {
      this.wanted = false;
      throw error;
    }
  }

  /** Asks it to end, and ends it where it has not done so in time. Answers its exit code; null where it was killed. */
  async stop(patienceMs: number): Promise<number | null> {
    this.wanted = false;
    for (const stopWaiting of this.halt) stopWaiting();
    const { child } = this;
    if (!child) return null;
    if (hasEnded(child)) return child.exitCode;
    const gone = once(child, 'exit');
    child.kill('SIGTERM');
    const late = setTimeout(() => {
      this.program.tell('had not ended in time and was killed.');
      child.kill('SIGKILL');
    }, patienceMs);
    await gone;
    clearTimeout(late);
    return child.exitCode;
  }

  /** Sends a signal. Resolves at once, or when the process is gone where the signal is one that ends it outright. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const { child } = this;
    if (!child || hasEnded(child)) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    if (signal === 'SIGKILL') await gone;
  }

  private async launch(): Promise<void> {
    const { program } = this;
    this.said = [];
    const child = fork(program.file, [...(program.arguments ?? [])], {
      env: { ...program.environment, PORT: String(program.port) },
      execArgv: [],
      // A group of its own: Ctrl-C is for the runner, which ends each in its turn.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.child = child;
    const forget = child.pid === undefined ? () => undefined : note(program.notes, program.name, child.pid);
    for (const stream of [child.stdout!, child.stderr!]) {
      createInterface({ input: stream }).on('line', (line) => this.hear(line));
    }
    const ended = new Promise<string>((answer) => {
      child.once('error', (error) => answer(error.message));
      // Not `exit`: what it said last is still on its way then.
      child.once('close', (code, signal) => answer(signal ?? `exit code ${code}`));
    });
    void ended.then(() => {
      if (this.child === child) this.child = undefined;
      forget();
    });
    const giveUp = new AbortController();
    const outcome = await Promise.race([
      listens(child).then(() => 'serves' as const),
      ended.then(() => 'ended' as const),
      wait(START_MS, 'late' as const, { signal: giveUp.signal, ref: false }).catch(() => 'late' as const),
    ]);
    giveUp.abort();
    if (outcome !== 'serves') {
      child.kill('SIGKILL');
      await ended;
      throw new AppDidNotStart(
        program.name,
        outcome === 'late' ? `it did not serve within ${START_MS / 1_000} s` : this.lastWords(),
      );
    }
    const servedSince = Date.now();
    void ended.then((how) => this.revive(how, Date.now() - servedSince));
  }

  private async revive(how: string, servedMs: number): Promise<void> {
    if (servedMs > STEADY_MS) this.delayMs = FIRST_DELAY_MS;
    while (this.wanted) {
      this.program.tell(`ended (${how}); it is started again in ${this.delayMs / 1_000} s.`);
      await this.pause(this.delayMs);
      this.delayMs = Math.min(this.delayMs * 2, LONGEST_DELAY_MS);
      if (!this.wanted) return;
      try {
        await this.launch();
        this.program.tell('serves again.');
        return;
      } catch (error) {
        how = (error as Error).message;
      }
    }
  }

  private async pause(ms: number): Promise<void> {
    let stopWaiting: () => void;
    const stopped = new Promise<void>((resolve) => this.halt.add((stopWaiting = resolve)));
    await Promise.race([wait(ms), stopped]);
    this.halt.delete(stopWaiting!);
  }

  private hear(line: string): void {
    this.said = [...this.said, line].slice(-5);
    this.program.printed(line);
  }

  private lastWords(): string {
    return this.said.at(-1) ?? '';
  }
}

/** Resolves once the process says over its channel that it listens. */
function listens(child: ChildProcess): Promise<void> {
  return new Promise((resolve) =>
    child.on('message', (message) => {
      if (typeof message === 'object' && 'listening' in message) resolve();
    }),
  );
}

const hasEnded = ({ exitCode, signalCode }: ChildProcess) => exitCode !== null || signalCode !== null;
