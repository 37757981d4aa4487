// One that would begin a new cell.
const UNESCAPED_PIPE = /(?<!\\)\|/g;

/** A table in Markdown, its columns as wide as they must be: what the formatter would make of it. */
export function table(head: readonly string[], contents: readonly (readonly string[])[]): string {
  const rows = contents.map((cells) => cells.map((cell) => cell.replaceAll(UNESCAPED_PIPE, '\\|')));
  const widths = head.map((title, column) =>
    Math.max(...[head, ...rows].map((row) => (row[column] ?? title).length), 3),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] as number)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [line(head), rule, ...rows.map(line)].join('\n');
}

/** The rows of a table in Markdown, without its head. */
export function rowsOf(markdown: string): string[][] {
  return markdown
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .slice(2)
    .map((line) =>
      line
        .slice(1, line.lastIndexOf('|'))
        .split(UNESCAPED_PIPE)
        .map((cell) => cell.trim()),
    );
}

export const code = (text: string): string => `\`${text}\``;
