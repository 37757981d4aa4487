import { z } from 'zod';
import { ask } from './ask';
import { Connections } from './connections';

const ASK_TIMEOUT_MS = 2_000;
// An app may be replaced by another version without ever having been seen away.
const ASKED_ANEW_EVERY = 10;

/** What an app says of itself at /internal/modules. */
const hosting = z.object({
  app: z.string(),
  version: z.string(),
  modules: z.array(z.object({ module: z.string(), prefixes: z.array(z.string().startsWith('/')) })),
});
export type Hosting = z.infer<typeof hosting>;

/** `new`: nobody has asked it yet. `unready`: it answers, and says that it cannot serve. `away`: it does not answer. */
export type InstanceState = 'new' | 'ready' | 'unready' | 'away';

/** One process behind the gateway: how it is, what it hosts, and the connections to it. */
export class Instance {
  readonly connections: Connections;
  state: InstanceState = 'new';
  /** Why it is not ready; empty where it is. */
  reason = '';
  /** What it said of itself when it was last asked. */
  hosting: Hosting | undefined;
  private told = '';
  private looking: Promise<void> | undefined;
  private looks = 0;

  constructor(
    readonly app: string,
    readonly address: string,
    mostConnections: number,
    private readonly changed: (instance: Instance, before: InstanceState) => void,
  ) {
    this.connections = new Connections(address, mostConnections);
  }

  hosts(module: string): boolean {
    return this.hosting?.modules.some((one) => one.module === module) ?? false;
  }

  /** It refused a connection, which is all that needs to be known. */
  refused(reason: string): void {
    this.becomes('away', reason);
  }

  /** Asks it how it is; whoever comes while it is being asked gets the same answer. */
  look(): Promise<void> {
    return (this.looking ??= this.askHowItIs().finally(() => (this.looking = undefined)));
  }

  private async askHowItIs(): Promise<void> {
    try {
      if (this.state !== 'ready' || this.looks++ % ASKED_ANEW_EVERY === 0) {
        const { status, text } = await ask(this.address, '/internal/modules', ASK_TIMEOUT_MS);
        if (status !== 200) throw new Error(`it answers ${status} to /internal/modules`);
        if (text !== this.told) this.hosting = hosting.parse(JSON.parse(text));
        this.told = text;
      }
      const { status } = await ask(this.address, '/health/ready', ASK_TIMEOUT_MS);
      if (status === 200) this.becomes('ready', '');
      else this.becomes('unready', `it answers ${status} to /health/ready`);
    } catch (error) {
      this.becomes('away', (error as Error).message || String((error as NodeJS.ErrnoException).code));
    }
  }

  private becomes(state: InstanceState, reason: string): void {
    const before = this.state;
    this.state = state;
    this.reason = reason;
    this.changed(this, before);
  }
}
