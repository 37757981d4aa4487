import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { request } from 'undici';

const PROGRAM = join(__dirname, '../../../dist/apps/payment-provider/src/main.js');

/** The simulated payment provider as another company's machine: it lives on when the shop is killed. */
export class PaymentProvider {
  private constructor(
    readonly url: string,
    private readonly child: ChildProcess,
  ) {}

  /** @param folder where it keeps its books and its log */
  static async start(folder: string): Promise<PaymentProvider> {
    const log = openSync(join(folder, 'provider.log'), 'a');
    const child = spawn(process.execPath, [PROGRAM], {
      env: { PROVIDER_PORT: '0', PROVIDER_FOLDER: folder },
      // The channel tells it when this process has gone, however it went.
      stdio: ['ignore', 'pipe', log, 'ipc'],
    });
    closeSync(log);
    const ended = once(child, 'exit').then(() => Promise.reject(new Error(`The provider ended; see ${folder}.`)));
    ended.catch(() => undefined);
    const [line] = (await Promise.race([once(createInterface({ input: child.stdout! }), 'line'), ended])) as [string];
    return new PaymentProvider((JSON.parse(line) as { listening: string }).listening, child);
  }

  /** It takes connections and says nothing, like a machine that hangs. */
  pause(): void {
    this.child.kill('SIGSTOP');
  }

  resume(): void {
    this.child.kill('SIGCONT');
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await gone;
  }
}

/** A line of the provider's books: money taken, not taken, or given back. */
export interface BookLine {
  kind: 'capture' | 'refund';
  key: string;
  outcome: 'captured' | 'declined' | 'voided' | 'refunded';
  amount: number;
  /** Of a capture: how much of it has been given back. */
  refunded?: number;
}

/** The provider's books, all of them, oldest first. */
export async function booksOf(providerUrl: string): Promise<BookLine[]> {
  const lines: BookLine[] = [];
  for (let after: number | null = 0; after !== null;) {
    const { body } = await request(`${providerUrl}/books?after=${after}&limit=10000`);
    const page = (await body.json()) as { lines: BookLine[]; next: number | null };
    lines.push(...page.lines);
    after = page.next;
  }
  return lines;
}
