import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const repository = join(__dirname, '../../..');

/** The provider as a process of its own, for tests: it can be killed, and started again with its books on its port. */
export class ProviderProcess {
  readonly folder = mkdtempSync(join(tmpdir(), 'banyan-provider-'));
  url = '';
  child!: ChildProcess;

  async start(): Promise<void> {
    const PROVIDER_PORT = this.url && new URL(this.url).port;
    this.child = fork(join(repository, 'apps/payment-provider/src/main.ts'), {
      execArgv: ['--require', join(repository, 'test/run-from-source.cjs')],
      env: { ...process.env, PROVIDER_FOLDER: this.folder, ...(PROVIDER_PORT && { PROVIDER_PORT }) },
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    const [line] = (await once(createInterface(this.child.stdout!), 'line')) as [string];
    this.url = (JSON.parse(line) as { listening: string }).listening;
  }

  /** Ends the process by whatever `by` does to it; answers its exit code, null after a signal. */
  async end(by: () => unknown): Promise<number | null> {
    const exit = once(this.child, 'exit') as Promise<[number | null]>;
    by();
    return (await exit)[0];
  }

  kill(): Promise<number | null> {
    return this.end(() => this.child.kill('SIGKILL'));
  }

  /** Ends the process, if it still runs, and throws its books away. */
  async remove(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) await this.kill();
    rmSync(this.folder, { recursive: true });
  }
}
