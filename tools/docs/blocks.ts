/*
 * Terminology
 *   block   what lies between `<!-- docs:NAME -->` and `<!-- docs:end -->`, in SQL between `-- docs:NAME` and
 *           `-- docs:end`: written by this command, not by hand
 *   note    the last column of a table of messages, which is written by hand and kept, row by row
 */

const BLOCK = /^((?:<!--|--) docs:([a-z-]+)(?: -->)?)\n([\s\S]*?)^((?:<!--|--) docs:end(?: -->)?)$/gm;

/** What a block must hold, given what it holds now. */
export type Writer = (now: string) => string;

/** The text with each of its blocks written anew. Throws on a block that no writer knows, and on a writer without its block. */
export function rewritten(text: string, writers: Readonly<Record<string, Writer>>): string {
  const missing = new Set(Object.keys(writers));
  const result = text.replaceAll(BLOCK, (_, begin: string, name: string, now: string, end: string) => {
    const write = writers[name];
    if (!write) throw new Error(`Nothing is generated under the name ${name}.`);
    missing.delete(name);
    return `${begin}\n\n${write(now)}\n\n${end}`;
  });
  if (missing.size > 0) throw new Error(`There is no block for ${[...missing].join(', ')}.`);
  return result;
}
