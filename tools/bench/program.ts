import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { Answer, Question } from './answering';

const START_MS = 60_000;
const END_MS = 10_000;
const ANSWER_MS = 180_000;

export interface ProgramOptions {
  /** The built JavaScript file. */
  file: string;
  env: Record<string, string>;
  /** Where what it prints goes. */
  log: string;
  /** Put in front of it, such as `taskset -c 1`. */
  before?: readonly string[];
  /** Flags for its Node. */
  execArgv?: readonly string[];
}

/** A process of the bench: started, asked through its channel, stopped. */
export class Program {
  private asked = 0;
  private readonly open = new Map<number, { resolve(answer: never): void; reject(error: Error): void }>();

  private constructor(
    private readonly child: ChildProcess,
    private readonly options: ProgramOptions,
  ) {
    child.on('message', (answer: Answer) => this.hear(answer));
    child.once('exit', () => this.fail(new Error(`${options.file} ended: ${this.lastWords()}`)));
  }

  /** Starts a program without waiting for anything. */
  static start(options: ProgramOptions): Program {
    const log = openSync(options.log, 'a');
    const command = [...(options.before ?? []), process.execPath, ...(options.execArgv ?? []), options.file];
    const child = spawn(command[0] as string, command.slice(1), {
      env: { PATH: process.env['PATH'] ?? '', ...options.env },
      stdio: ['ignore', log, log, 'ipc'],
    });
    closeSync(log);
    return new Program(child, options);
  }

  get pid(): number {
    return this.child.pid as number;
  }

  get hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** Asks a program that answers with `answerQuestions`; throws what it throws, and where it ends instead, or takes three minutes. */
  async ask<T>(ask: string, given: object = {}): Promise<T> {
    if (this.hasEnded) throw new Error(`${this.options.file} has ended: ${this.lastWords()}`);
    const id = (this.asked += 1);
    const answered = new Promise<T>((resolve, reject) => this.open.set(id, { resolve, reject }));
    this.child.send({ id, ask, given } satisfies Question);
    const timer = setTimeout(() => {
      this.hear({ id, error: `no answer to ${ask} within ${ANSWER_MS / 1000} s: ${this.lastWords()}` });
    }, ANSWER_MS);
    return answered.finally(() => clearTimeout(timer));
  }

  /** Resolves once `isThere` does so with true. Throws where the program ends, or takes a minute. */
  async until(isThere: () => Promise<boolean>, everyMs = 10): Promise<void> {
    for (const giveUpAt = Date.now() + START_MS; Date.now() < giveUpAt; await pause(everyMs)) {
      if (this.hasEnded) throw new Error(`${this.options.file} did not start: ${this.lastWords()}`);
      if (await isThere()) return;
    }
    throw new Error(`${this.options.file} did not start within ${START_MS / 1000} s: ${this.lastWords()}`);
  }

  async stop(): Promise<void> {
    if (this.hasEnded) return;
    const gone = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    const late = setTimeout(() => this.child.kill('SIGKILL'), END_MS);
    await gone;
    clearTimeout(late);
  }

  lastWords(): string {
    return readFileSync(this.options.log, 'utf8').trim().split('\n').slice(-20).join('\n');
  }

  private hear({ id, answer, error }: Answer): void {
    const waiting = this.open.get(id);
    this.open.delete(id);
    if (error === undefined) waiting?.resolve(answer as never);
    else waiting?.reject(new Error(`${this.options.file}: ${error}`));
  }

  private fail(error: Error): void {
    for (const { reject } of this.open.values()) reject(error);
    this.open.clear();
  }
}
