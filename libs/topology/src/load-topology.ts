import { readFileSync } from 'node:fs';
import { parse, stringify } from 'yaml';
import { Topology, topologySchema } from './topology';

/** The file cannot be used as a topology. The message names the file and each fault in it. */
export class TopologyInvalid extends Error {
  readonly code = 'topology-invalid';
  constructor(file: string, faults: string[]) {
    super(`${file} is no topology: ${faults.join('; ')}`);
  }
}

/** Reads and checks a topology. Throws TopologyInvalid; a missing file is one, too. */
export function loadTopology(file: string): Topology {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new TopologyInvalid(file, [(error as Error).message]);
  }
  return parseTopology(text, file);
}

/** The same of a text; `from` is what faults are blamed on. */
export function parseTopology(text: string, from: string): Topology {
  let content: unknown;
  try {
    content = parse(text);
  } catch (error) {
    throw new TopologyInvalid(from, [(error as Error).message.split('\n')[0] as string]);
  }
  const read = topologySchema.safeParse(content);
  if (read.success) return read.data;
  throw new TopologyInvalid(
    from,
    read.error.issues.map(({ path, message }) => `${path.join('.') || 'the file'} ${message}`),
  );
}

/** The topology as a file's text; parseTopology reads it back. */
export function formatTopology(topology: Topology): string {
  return stringify(topology);
}
