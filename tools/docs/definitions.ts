import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { projectFolder } from '@banyan/development';
import type { Sendable, Subscription } from '@banyan/messaging';

/** What one module sends and hears, as its own files define it. */
export interface ModuleMessages {
  module: string;
  sends: readonly Sendable[];
  hears: readonly Subscription[];
}

// The definitions lie behind the modules' doors, which tools may not import: they are loaded by path, as files of a
// known name, so that a module needs no export for the sake of its documents.
const load = createRequire(__filename);
const LIBRARIES = join(__dirname, '../../libs');

/** Every library with a messages.ts, by name, with what that and its subscriptions.ts export. */
export function modulesWithMessages(): ModuleMessages[] {
  return readdirSync(LIBRARIES)
    .filter((library) => fileOf(library, 'messages') !== undefined)
    .sort()
    .map((module) => ({
      module,
      sends: inWrittenOrder(module, 'messages', exportsOf(module, 'messages').filter(isSendable)),
      hears: inWrittenOrder(module, 'subscriptions', exportsOf(module, 'subscriptions').filter(isSubscription)),
    }));
}

function exportsOf(library: string, name: string): unknown[] {
  const file = fileOf(library, name);
  return file === undefined ? [] : Object.values(load(file) as object);
}

/** As their author told them: compilers do not agree on the order of exports. */
function inWrittenOrder<Message extends { type: string }>(
  library: string,
  name: string,
  messages: Message[],
): Message[] {
  if (messages.length === 0) return messages;
  const source = readFileSync(join(projectFolder(), 'libs', library, 'src', `${name}.ts`), 'utf8');
  const place = ({ type }: Message) => source.indexOf(`'${type}'`);
  return messages.sort((a, b) => place(a) - place(b));
}

/** Built, or as written where the tests run from source. */
function fileOf(library: string, name: string): string | undefined {
  return ['js', 'ts'].map((ending) => join(LIBRARIES, library, 'src', `${name}.${ending}`)).find(existsSync);
}

const isSendable = (value: unknown): value is Sendable => typeof value === 'function' && 'keyOf' in value;

const isSubscription = (value: unknown): value is Subscription =>
  typeof value === 'object' && value !== null && 'subscriber' in value;
