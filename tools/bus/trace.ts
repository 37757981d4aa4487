import { parseArgs } from 'node:util';
import colours from 'picocolors';
import type { ModuleView } from '../audit/module-view';
import { WrongArguments } from '../shop-client/command-line';
import type { Party } from './parties';
import { print, printJson } from './printed';
import { withViews } from './views';

export const HELP = `The story of an order, or of anything else that messages are about, across all modules.

  npm run bus -- trace ID [--json]

  ID        the key of streams (an order's, product's or user's id); where there is none such, a correlation id or a
            message's id, for which the whole of every log is searched
  --json    one JSON object instead

Each message stands under the one that caused it, with the time since the first and what became of it where it is heard.
Contents are not shown. Exits 1 where no log has anything of it (any more).
`;

const FOUND = 0;
const NOTHING_FOUND = 1;

/** What became of a message at one of those who hear it. */
export interface Reaction {
  subscriber: string;
  state: 'handled' | 'not yet' | 'retrying' | 'parked' | 'waiting' | 'discarded';
  /** Of what is held. */
  attempts?: number;
  error?: string | null;
  /** What operators did with it. */
  acts: { at: Date; act: string; who: string; why: string }[];
}

export interface TracedMessage {
  id: string;
  /** Who sent it. */
  module: string;
  topic: string;
  key: string;
  sequence: number;
  type: string;
  time: Date;
  sinceFirstMs: number;
  correlationId: string;
  causationId: string | null;
  /** How many messages of the story led to it. */
  depth: number;
  reactions: Reaction[];
}

interface LogRow extends Omit<TracedMessage, 'module' | 'sinceFirstMs' | 'depth' | 'reactions'> {
  position: number;
}

type Logged = LogRow & Pick<TracedMessage, 'module'>;

export async function run(args: string[], parties: readonly Party[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { json: { type: 'boolean', default: false } },
  });
  const [id] = positionals;
  if (id === undefined || positionals.length > 1) throw new WrongArguments('Name one id.');
  const messages = await trace(parties, id);
  if (values.json) printJson({ id, messages });
  else show(id, messages);
  return messages.length > 0 ? FOUND : NOTHING_FOUND;
}

/** Every message of the story, each after the one that caused it. */
export async function trace(parties: readonly Party[], id: string): Promise<TracedMessage[]> {
  return withViews(parties, async (views) => {
    const byKey = await logged(views, 'key = $1', id);
    const found = byKey.length > 0 ? byKey : await logged(views, '(correlation_id = $1 OR id::text = lower($1))', id);
    const first = Math.min(...found.map(({ time }) => time.getTime()));
    const reactions = await reactionsTo(found, parties, views);
    return inCausalOrder(found).map(({ message: { position: _, ...message }, depth }) => ({
      ...message,
      depth,
      sinceFirstMs: message.time.getTime() - first,
      reactions: reactions.get(message.id) ?? [],
    }));
  });
}

async function logged(views: ReadonlyMap<string, ModuleView>, condition: string, id: string): Promise<Logged[]> {
  const found: Logged[] = [];
  for (const view of views.values()) {
    const rows = await view.rows<LogRow>(
      `SELECT position, id, topic, key, sequence, type, time, correlation_id AS "correlationId", causation_id AS "causationId"
       FROM outbox WHERE ${condition} ORDER BY position`,
      [id],
    );
    found.push(...rows.map((row) => ({ ...row, module: view.module })));
  }
  return found;
}

/** Depth first: a message, then all that it caused, in the order of time. */
function inCausalOrder(messages: readonly Logged[]): { message: Logged; depth: number }[] {
  const known = new Set(messages.map(({ id }) => id));
  const caused = Map.groupBy(messages, ({ causationId }) =>
    causationId && known.has(causationId) ? causationId : null,
  );
  const inTime = (of: string | null) =>
    (caused.get(of) ?? []).toSorted((a, b) => a.time.getTime() - b.time.getTime() || a.position - b.position);
  const ordered: { message: Logged; depth: number }[] = [];
  const left = inTime(null)
    .map((message) => ({ message, depth: 0 }))
    .reverse();
  for (let next = left.pop(); next; next = left.pop()) {
    ordered.push(next);
    const { message, depth } = next;
    left.push(
      ...inTime(message.id)
        .map((effect) => ({ message: effect, depth: depth + 1 }))
        .reverse(),
    );
  }
  return ordered;
}

async function reactionsTo(
  messages: readonly Logged[],
  parties: readonly Party[],
  views: ReadonlyMap<string, ModuleView>,
): Promise<Map<string, Reaction[]>> {
  const reactions = new Map<string, Reaction[]>();
  for (const { module, hears } of parties) {
    const types = new Set(hears.map(({ type }) => type));
    const heard = messages.filter(({ type }) => types.has(type));
    if (heard.length === 0) continue;
    for (const [id, reaction] of await reactionsOf(views.get(module)!, heard)) {
      reactions.set(id, [...(reactions.get(id) ?? []), reaction]);
    }
  }
  return reactions;
}

interface HeldRow {
  id: string;
  state: 'retrying' | 'parked' | 'waiting';
  attempts: number;
  error: string | null;
}

const IN_STREAMS = '(source, topic, key) IN (SELECT * FROM unnest($1::text[], $2::text[], $3::text[]))';

async function reactionsOf(view: ModuleView, heard: readonly Logged[]): Promise<[string, Reaction][]> {
  const streams = [heard.map(({ module }) => module), heard.map(({ topic }) => topic), heard.map(({ key }) => key)];
  const memory = await view.rows<{ source: string; topic: string; key: string; last_sequence: number }>(
    `SELECT source, topic, key, last_sequence FROM stream_memory WHERE ${IN_STREAMS}`,
    streams,
  );
  const held = await view.rows<HeldRow>(
    `SELECT id, state, attempts, error FROM held_message WHERE ${IN_STREAMS}`,
    streams,
  );
  const acts = await view.rows<Reaction['acts'][number] & { id: string }>(
    `SELECT message_id AS id, at, act, who, why FROM held_message_act WHERE ${IN_STREAMS} ORDER BY at`,
    streams,
  );
  const lastOf = new Map(memory.map((row) => [`${row.source} ${row.topic}/${row.key}`, row.last_sequence]));
  const heldById = new Map(held.map((row) => [row.id, row]));
  return heard.map(({ id, module, topic, key, sequence }) => {
    const done = acts.filter((act) => act.id === id).map(({ id: _, ...act }) => act);
    const waiting = heldById.get(id);
    const taken = sequence <= (lastOf.get(`${module} ${topic}/${key}`) ?? 0);
    const ended = done.at(-1)?.act === 'discarded' ? 'discarded' : 'handled';
    return [
      id,
      {
        subscriber: view.module,
        state: waiting?.state ?? (taken ? ended : 'not yet'),
        ...(waiting ? { attempts: waiting.attempts, error: waiting.error } : {}),
        acts: done,
      },
    ];
  });
}

function show(id: string, messages: readonly TracedMessage[]): void {
  if (messages.length === 0) {
    print(`No log has a message of ${id}: it never was, or is older than what is kept.`);
    return;
  }
  const labels = messages.map(({ depth, type }) => `${'  '.repeat(depth)}${type}`);
  const width = Math.max(...labels.map((label) => label.length));
  const modules = Math.max(...messages.map(({ module }) => module.length));
  messages.forEach(({ sinceFirstMs, module, sequence, reactions }, n) => {
    const time = `+${(sinceFirstMs / 1000).toFixed(3)} s`.padStart(12);
    const by = module.padEnd(modules);
    const became = reactions.map(({ subscriber, state }) => `${subscriber} ${coloured(state)}`).join(', ');
    print(`${time}  ${(labels[n] as string).padEnd(width)}  ${by} #${sequence}${became ? ` → ${became}` : ''}`);
    for (const { subscriber, attempts, error, acts } of reactions) {
      if (error)
        print(`${' '.repeat(14)}${subscriber} after ${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}: ${error}`);
      for (const { at, act, who, why } of acts) {
        print(`${' '.repeat(14)}${subscriber}: ${act} by ${who} at ${at.toISOString()}: ${why}`);
      }
    }
  });
  const stories = new Set(messages.map(({ correlationId }) => correlationId));
  print(`${messages.length} messages; first at ${firstTime(messages)}; correlation ${[...stories].join(', ')}`);
}

const firstTime = (messages: readonly TracedMessage[]) =>
  new Date(Math.min(...messages.map(({ time }) => time.getTime()))).toISOString();

function coloured(state: Reaction['state']): string {
  if (state === 'handled') return colours.green(state);
  return state === 'parked' || state === 'discarded' ? colours.red(state) : colours.yellow(state);
}
