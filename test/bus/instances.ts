import { ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Request } from './instance';
import { Transport } from './transports';

/** An instance of the office as a process, which may be killed and stopped. */
export class Instance {
  private constructor(private readonly child: ChildProcess) {}

  /** Resolves once it is open and has caught up. */
  static async open(url: string, transport: Transport): Promise<Instance> {
    const child = fork(join(__dirname, 'instance.ts'), [url, transport.name], {
      execArgv: ['--require', join(__dirname, '../run-from-source.cjs')],
    });
    const instance = new Instance(child);
    await instance.says('open');
    return instance;
  }

  /** Resolves with what it says next, or when it says just this. Throws where it ends first. */
  async says(wanted?: unknown): Promise<unknown> {
    const listening = new AbortController();
    const ended = once(this.child, 'exit', listening).then(() => Promise.reject(new Error('The instance has ended.')));
    ended.catch(() => undefined);
    try {
      for (;;) {
        const [said] = (await Promise.race([once(this.child, 'message', listening), ended])) as [unknown];
        if (wanted === undefined || said === wanted) return said;
      }
    } finally {
      listening.abort();
    }
  }

  /** Has it send letters to a street, one transaction each; resolves when all are committed. */
  async send(street: string, texts: string[]): Promise<void> {
    const sent = this.says('sent');
    this.tell({ send: texts, street });
    await sent;
  }

  goOn(): void {
    this.tell('go on');
  }

  pause(): void {
    this.child.kill('SIGSTOP');
  }

  resume(): void {
    this.child.kill('SIGCONT');
  }

  async kill(): Promise<void> {
    await this.gone(() => this.child.kill('SIGKILL'));
  }

  async close(): Promise<void> {
    await this.gone(() => this.tell('close'));
  }

  private async gone(ask: () => unknown): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exit = once(this.child, 'exit');
    ask();
    await exit;
  }

  private tell(request: Request): void {
    this.child.send(request);
  }
}
