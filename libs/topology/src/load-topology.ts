import { readFileSync } from 'node:fs';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { Topology, topologySchema } from './topology';

/** The file cannot be used as a topology. The message names the file and each fault in it. */
export class TopologyInvalid extends Error {
  readonly code = 'topology-invalid';
  constructor(file: string, faults: string[]) {
    super(`${file} is no topology: ${faults.join('; ')}`);
  }
}

/**
 * Reads and checks a topology. `shop` are the modules that there are, for files in which an app hosts the `rest` of them.
 * Throws TopologyInvalid; a missing file is one, too.
 */
export function loadTopology(file: string, shop?: readonly string[]): Topology {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new TopologyInvalid(file, [(error as Error).message]);
  }
  return parseTopology(text, file, shop);
}

/** The same of a text; `from` is what faults are blamed on. */
export function parseTopology(text: string, from: string, shop?: readonly string[]): Topology {
  let content: unknown;
  try {
    content = parse(text);
  } catch (error) {
    throw new TopologyInvalid(from, [(error as Error).message.split('\n')[0] as string]);
  }
  const read = topologySchema.safeParse(shop ? withRest(content, shop) : content);
  if (read.success) return read.data;
  throw new TopologyInvalid(
    from,
    read.error.issues.map(({ path, message }) => `${path.join('.') || 'the file'} ${message}`),
  );
}

const withApps = z.looseObject({ apps: z.record(z.string(), z.looseObject({ modules: z.unknown() })) });

/** The content with the modules that no app names in the place of `rest`, and without an app for which none is left. */
function withRest(content: unknown, shop: readonly string[]): unknown {
  const read = withApps.safeParse(content);
  if (!read.success) return content;
  const apps = Object.entries(read.data.apps);
  const named = apps.flatMap(([, { modules }]) => (Array.isArray(modules) ? (modules as unknown[]) : []));
  const rest = shop.filter((module) => !named.includes(module));
  const resolved = apps
    .filter(([, { modules }]) => modules !== 'rest' || rest.length > 0)
    .map(([name, app]) => [name, app.modules === 'rest' ? { ...app, modules: rest } : app]);
  return { ...read.data, apps: Object.fromEntries(resolved) as object };
}

/** The topology as a file's text; parseTopology reads it back. */
export function formatTopology(topology: Topology): string {
  return stringify(topology);
}
