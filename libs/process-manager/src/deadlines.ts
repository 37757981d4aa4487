import { setTimeout as delay } from 'node:timers/promises';
import { failpoint } from '@banyan/failpoints';
import { Bus } from '@banyan/messaging';
import { Database } from '@banyan/persistence';
import { Logger } from '@nestjs/common';
import { Change, Processes } from './processes';

const BATCH = 200;
// The table is asked again this often at least, in case another instance set a deadline; and this often at most.
const LONGEST_MS = 10_000;
const SHORTEST_MS = 100;

/**
 * Tells processes that their deadline has passed, but only once the module has handled everything that was waiting for it
 * when the deadline fell due: an outage of its own must never undo what was answered in time.
 */
export class Deadlines<State, Heard> {
  private readonly logger: Logger;
  private readonly stopping = new AbortController();
  private finished: Promise<void> | undefined;

  constructor(
    private readonly processes: Processes<State, Heard>,
    private readonly database: Database,
    private readonly bus: Bus,
    /** The shortest deadline that a step may set, in milliseconds: none can fall due sooner than that unseen. */
    private readonly shortestMs: number,
    private readonly alsoWrite: (tx: Parameters<Processes<State, Heard>['hear']>[0], changes: Change<State>[]) => void,
  ) {
    this.logger = new Logger(`deadlines of ${processes.definition.name}`);
  }

  start(): void {
    this.finished = this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.finished;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      let pause = LONGEST_MS;
      try {
        pause = (await this.fire()) ? 0 : await this.untilNext();
      } catch (error) {
        if (!signal.aborted) this.logger.warn(`must wait: ${(error as Error).message}`);
        pause = SHORTEST_MS * 10;
      }
      if (pause > 0) await delay(pause, undefined, { signal }).catch(() => undefined);
    }
  }

  private async untilNext(): Promise<number> {
    const next = await this.processes.nextDeadline();
    const remaining = next ? next.getTime() - Date.now() : Infinity;
    return Math.max(SHORTEST_MS, Math.min(remaining, this.shortestMs, LONGEST_MS));
  }

  /** Fires what is due; answers whether there may be more. */
  private async fire(): Promise<boolean> {
    const at = new Date();
    const keys = await this.processes.due(at, BATCH);
    if (keys.length === 0) return false;
    const caughtUp = this.bus.caughtUp(this.database.module).then(() => true);
    const stopped = new Promise<false>((resolve) => {
      this.stopping.signal.addEventListener('abort', () => resolve(false), { once: true });
    });
    if (!(await Promise.race([caughtUp, stopped]))) return false;
    await this.database.transaction(async (tx) => {
      // An answer that came in time and is being tried again must not be overtaken by the deadline either.
      const retrying = await this.bus.retrying(this.database.module, keys);
      const due = await this.processes.stillDue(
        tx,
        keys.filter((key) => !retrying.has(key)),
        at,
      );
      const heard = this.processes.definition.deadlinePassed;
      const inputs = due.map((key) => ({ key, heard, name: 'deadline-passed', at }));
      await this.processes.hear(tx, inputs, (changes) => this.alsoWrite(tx, changes));
      await failpoint('process.deadline.before-commit');
    });
    return keys.length === BATCH;
  }
}
