import { failpoint } from '@banyan/failpoints';
import { Cause, Outbox, PreparedMessage, Outgoing } from '@banyan/messaging';
import { Database, statement, Transaction } from '@banyan/persistence';
import { ProcessDefinition, Recorded } from './process-definition';

interface ProcessRow<State> {
  key: string;
  version: number;
  state: State;
  correlation_id: string;
  deadline_at: Date | null;
  started_at: Date;
  ended_at: Date | null;
  /** The ids of the messages that it has heard. */
  heard: string[];
}

/** Something that a process hears: a message, a request of a person, its deadline. */
export interface Input<Heard> {
  key: string;
  heard: Heard;
  /** The wire name, or another name for what was no message. */
  name: string;
  at: Date;
  /** Left out where no message caused it; the process's own story is then gone on with. */
  because?: Cause & { id: string };
}

/** A process that an input changed. */
export interface Change<State> {
  key: string;
  before: State;
  after: State;
}

const locking = statement<ProcessRow<unknown>>(
  'process.lock',
  `SELECT key, version, state, correlation_id, deadline_at, started_at, ended_at,
          ARRAY(SELECT r->>'id' FROM jsonb_array_elements(record) r WHERE r->>'way' = 'heard' AND r ? 'id') AS heard
   FROM process WHERE name = $1 AND key = ANY($2::text[]) ORDER BY key FOR UPDATE`,
);

// Never inserts, since the rows are locked: of all ways to update many rows, this one always looks each up by its key. Joined
// to them, a table of which little is known is read whole.
const writing = statement<never>(
  'process.write',
  `INSERT INTO process AS p (name, key, version, state, record, correlation_id, deadline_at, started_at, ended_at)
   SELECT $1, * FROM unnest($2::text[], $3::integer[], $4::jsonb[], $5::jsonb[], $6::text[], $7::timestamptz[],
                            $8::timestamptz[], $9::timestamptz[])
   ON CONFLICT (name, key) DO UPDATE
     SET state = excluded.state, record = p.record || excluded.record, deadline_at = excluded.deadline_at, ended_at = excluded.ended_at`,
);

const due = statement<{ key: string }>(
  'process.due',
  'SELECT key FROM process WHERE name = $1 AND deadline_at <= $2 ORDER BY deadline_at LIMIT $3',
);

const stillDue = statement<{ key: string }>(
  'process.still-due',
  'SELECT key FROM process WHERE name = $1 AND key = ANY($2::text[]) AND deadline_at <= $3 ORDER BY key FOR UPDATE SKIP LOCKED',
);

const nextDeadline = statement<{ at: Date | null }>(
  'process.next-deadline',
  'SELECT min(deadline_at) AS at FROM process WHERE name = $1 AND deadline_at IS NOT NULL',
);

/**
 * The part of a statement that begins processes: a common table expression `started`, for a statement that has a
 * relation `begun(key text, state jsonb, record jsonb, correlation_id text, deadline_at timestamptz, started_at timestamptz)`.
 */
export function processInsert({ name, version }: { name: string; version: number }, begun: string): string {
  return `started AS (
      INSERT INTO process (name, key, version, state, record, correlation_id, deadline_at, started_at)
      SELECT '${name}', key, ${version}, state, record, correlation_id, deadline_at, started_at FROM ${begun}
    )`;
}

/** A line for the record of each message that a process sends. */
export function recordSent(messages: readonly PreparedMessage[]): Recorded[] {
  return messages.map(({ time, type, id }) => ({ at: time.toISOString(), way: 'sent', message: type, id }));
}

/** The processes of one kind in a module's own schema: state, record and messages change in the caller's transaction. */
export class Processes<State, Heard> {
  constructor(
    readonly definition: ProcessDefinition<State, Heard>,
    private readonly database: Database,
    private readonly outbox: Outbox,
    private readonly now: () => Date = () => new Date(),
  ) {}

  /**
   * Lets the processes hear these inputs, in their order, and answers those that changed. A message that a process has
   * heard before, as in a replay, is passed over. `alsoWrite` is called with the changes before anything is written.
   */
  async hear(
    tx: Transaction,
    inputs: readonly Input<Heard>[],
    alsoWrite: (changes: Change<State>[]) => void,
  ): Promise<Change<State>[]> {
    const keys = [...new Set(inputs.map(({ key }) => key))];
    const rows = (await tx.query(locking, [this.definition.name, keys])) as ProcessRow<State>[];
    const open = new Map(rows.map((row) => [row.key, new OpenProcess(row, this.definition)]));
    const now = this.now();
    // A message for a process that is not there is none of ours; whoever sent it cannot be answered either.
    for (const input of inputs) open.get(input.key)?.hear(input);
    const heard = [...open.values()].filter(({ record }) => record.length > 0);
    const changes = heard.filter(({ moved }) => moved).map((process) => process.change());
    alsoWrite(changes);
    await this.write(tx, heard, now);
    await failpoint('process.after-step');
    return changes;
  }

  /** The keys of processes whose deadline has passed at `at`, the longest overdue first. */
  async due(at: Date, limit: number): Promise<string[]> {
    return (await this.database.query(due, [this.definition.name, at, limit])).map(({ key }) => key);
  }

  /** Of these, the ones whose deadline at `at` still stands and that nobody else is working on; they are locked. */
  async stillDue(tx: Transaction, keys: readonly string[], at: Date): Promise<string[]> {
    return (await tx.query(stillDue, [this.definition.name, keys, at])).map(({ key }) => key);
  }

  async nextDeadline(): Promise<Date | undefined> {
    const [row] = await this.database.query(nextDeadline, [this.definition.name]);
    return row?.at ?? undefined;
  }

  private async write(tx: Transaction, processes: OpenProcess<State, Heard>[], now: Date): Promise<void> {
    const outgoing = processes.flatMap(({ send }) => send);
    const prepared = this.outbox.prepare(outgoing);
    let from = 0;
    for (const process of processes) {
      process.record.push(...recordSent(prepared.slice(from, (from += process.send.length))));
    }
    const rows = processes.map((process) => process.row(now));
    tx.send(writing, [
      this.definition.name,
      rows.map(({ key }) => key),
      rows.map(({ version }) => version),
      rows.map(({ state }) => JSON.stringify(state)),
      rows.map(({ record }) => JSON.stringify(record)),
      rows.map(({ correlation_id: correlationId }) => correlationId),
      rows.map(({ deadline_at: deadlineAt }) => deadlineAt),
      rows.map(({ started_at: startedAt }) => startedAt),
      rows.map(({ ended_at: endedAt }) => endedAt),
    ]);
    await this.outbox.publishPrepared(tx, prepared);
  }
}

/** A locked process while it hears what has arrived for it. */
class OpenProcess<State, Heard> {
  readonly send: Outgoing[] = [];
  readonly record: Recorded[] = [];
  moved = false;
  private readonly before: State;
  private state: State;
  private deadlineIn: number | null | undefined;
  private ended = false;
  private readonly heardBefore: Set<string>;

  constructor(
    private readonly process: ProcessRow<State>,
    private readonly definition: ProcessDefinition<State, Heard>,
  ) {
    this.before = process.state;
    this.state = process.state;
    this.heardBefore = new Set(process.heard);
  }

  hear({ heard, name, at, because }: Input<Heard>): void {
    const id = because?.id;
    if (id !== undefined && this.heardBefore.has(id)) return;
    this.record.push({ at: at.toISOString(), way: 'heard', message: name, ...(id === undefined ? {} : { id }) });
    const step = this.definition.step(this.state, heard, this.process.version);
    if (!step) return;
    this.moved = true;
    this.state = step.state;
    this.ended = step.ended ?? false;
    if (step.deadlineIn !== undefined) this.deadlineIn = step.deadlineIn;
    this.send.push(...(step.send?.(because ?? { correlationId: this.process.correlation_id }) ?? []));
  }

  change(): Change<State> {
    return { key: this.process.key, before: this.before, after: this.state };
  }

  /** The row as it is to become, `record` being what is added to it. */
  row(now: Date) {
    const { process, state, record, deadlineIn } = this;
    const deadline_at =
      deadlineIn === undefined ? process.deadline_at : deadlineIn && new Date(now.getTime() + deadlineIn);
    const ended_at = this.moved ? (this.ended ? (process.ended_at ?? now) : null) : process.ended_at;
    return { ...process, state, record, deadline_at, ended_at };
  }
}
