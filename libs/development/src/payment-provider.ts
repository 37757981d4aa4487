import { fork, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { PaymentProviderDidNotStart } from './errors';
import { projectFolder } from './project-folder';

export interface PaymentProviderOptions {
  /** Where the provider keeps its books and its log; created if missing. */
  folder: string;
  /** The program. Default: the built `apps/payment-provider`. */
  program?: string;
  /** Flags for the Node that runs it. Default: none. */
  execArgv?: string[];
  tell: (line: string) => void;
}

export interface PaymentProviderProcess {
  /** Good until stop(), also across a crash of the provider. */
  url: string;
  pid(): number | undefined;
  stop(): Promise<void>;
}

const START_MS = 20_000;
const SHUTDOWN_MS = 5_000;

/**
 * The simulated payment provider as a process of its own on a free port. One that dies is started again on its port,
 * with its books as they were. It ends when this process does, however this one ends.
 * Throws PaymentProviderDidNotStart.
 */
export async function startPaymentProvider(options: PaymentProviderOptions): Promise<PaymentProviderProcess> {
  const program = options.program ?? join(projectFolder(), 'dist/apps/payment-provider/src/main.js');
  if (!existsSync(program)) {
    throw new PaymentProviderDidNotStart(`${program} is missing: run npm start, which builds it.`);
  }
  mkdirSync(options.folder, { recursive: true });
  let stopping = false;
  let revival: Promise<void> = Promise.resolve();
  let child = spawnProvider(program, options, 0);
  const url = await listening(child);

  const watch = () => {
    child.once('exit', () => {
      if (!stopping) revival = revive();
    });
  };
  const revive = async (): Promise<void> => {
    while (!stopping) {
      child = spawnProvider(program, options, Number(new URL(url).port));
      try {
        await listening(child);
        options.tell('The payment provider had ended and was started again.');
        return watch();
      } catch (error) {
        options.tell(error instanceof Error ? error.message : String(error));
        await wait(1_000);
      }
    }
  };
  watch();
  return {
    url,
    pid: () => child.pid,
    stop: async () => {
      stopping = true;
      await revival;
      await end(child);
    },
  };
}

function spawnProvider(program: string, options: PaymentProviderOptions, port: number): ChildProcess {
  const log = openSync(join(options.folder, 'provider.log'), 'a', 0o600);
  const child = fork(program, [], {
    execArgv: options.execArgv ?? [],
    env: { PATH: '/usr/bin:/bin', PROVIDER_PORT: String(port), PROVIDER_FOLDER: options.folder },
    // A group of its own: Ctrl-C is for the app, which still captures and refunds while it drains.
    detached: true,
    stdio: ['ignore', 'pipe', log, 'ipc'],
  });
  closeSync(log);
  return child;
}

/** Resolves with the URL that the provider announces in its first line. */
async function listening(child: ChildProcess): Promise<string> {
  const line = await Promise.race([
    new Promise<string>((answer) => createInterface({ input: child.stdout! }).once('line', answer)),
    new Promise<null>((answer) => child.once('exit', () => answer(null)).once('error', () => answer(null))),
    wait(START_MS, null, { ref: false }),
  ]);
  if (line !== null) {
    // Whatever else it prints must not fill the pipe and stop it.
    child.stdout?.resume();
    return (JSON.parse(line) as { listening: string }).listening;
  }
  child.kill('SIGKILL');
  throw new PaymentProviderDidNotStart('The payment provider did not start: see provider.log in its folder.');
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((answer) => child.once('exit', () => answer()));
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), SHUTDOWN_MS);
  await gone;
  clearTimeout(late);
}
