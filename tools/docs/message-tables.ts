import type { Sendable } from '@banyan/messaging';
import type { ModuleMessages } from './definitions';
import { code, rowsOf, table } from './table';

/** Stands where a message has no note yet; the check does not let it pass. */
export const NOTE_MISSING = '(say it here)';

/** Who tells whom what: a line for each set of modules that hear the same of one module. */
export function whoTellsWhom(modules: readonly ModuleMessages[]): string {
  const rows = new Map<string, { cells: [string, string]; names: string[] }>();
  for (const { module, sends } of modules) {
    for (const { type, kind } of sends) {
      const listeners = modules.filter(({ hears }) => hears.some((heard) => heard.type === type));
      const to = listeners.map((listener) => listener.module).join(', ') || 'whoever will listen';
      const verb = kind === 'event' ? 'tells' : 'asks';
      const row = rows.get(`${module} ${verb} ${to}`) ?? { cells: [module, `${verb} ${to}`], names: [] };
      row.names.push(code(shortName(type)));
      rows.set(`${module} ${verb} ${to}`, row);
    }
  }
  return table(
    ['module', '', 'messages'],
    [...rows.values()].map(({ cells, names }) => [...cells, names.join(' ')]),
  );
}

/** What the module announces and asks for; the notes, which say when, are kept. */
export function sent({ sends }: ModuleMessages, now: string): string {
  const notes = notesIn(now);
  return table(
    ['wire name', 'kind', 'key', 'when'],
    sends.map((message) => [
      code(message.type),
      message.kind,
      keyName(message),
      notes.get(code(message.type)) ?? NOTE_MISSING,
    ]),
  );
}

/** What the module listens to; the notes, which say what it does then, are kept. */
export function heard({ hears }: ModuleMessages, now: string): string {
  if (hears.length === 0) return 'Nothing.';
  const notes = notesIn(now);
  return table(
    ['wire name', 'kind', 'what it does'],
    hears.map(({ type, kind }) => [code(type), kind, notes.get(code(type)) ?? NOTE_MISSING]),
  );
}

function notesIn(markdown: string): Map<string, string> {
  return new Map(rowsOf(markdown).map((cells) => [cells[0] as string, cells.at(-1) as string]));
}

/** `orders.order-placed.v1` without its module; the version is told where there is more than the first. */
function shortName(type: string): string {
  const [, name, version] = type.split('.') as [string, string, string];
  return version === 'v1' ? name : `${name}.${version}`;
}

/** The field of the content that the stream's key is. */
function keyName({ keyOf, example }: Sendable): string {
  const key = keyOf(example);
  return Object.entries(example as object).find(([, value]) => value === key)?.[0] ?? '';
}
