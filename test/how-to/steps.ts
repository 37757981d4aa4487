/**
 * A how-to as the steps that it tells its reader to take.
 *
 * | in the document                                               | the step                                               |
 * | ------------------------------------------------------------- | ------------------------------------------------------ |
 * | **`path`** on a line of its own, then a block                 | creates that file                                      |
 * | the same with a `diff` block                                  | changes it: the lines it shows, between `@@`, are there |
 * | a `sh` block, and a block without a language right behind it  | runs it, and looks for these lines in what it answers  |
 */
export type Step = { readonly section: string } & (
  | { readonly does: 'create'; readonly file: string; readonly text: string }
  | { readonly does: 'change'; readonly file: string; readonly hunks: readonly Hunk[] }
  | { readonly does: 'run'; readonly command: string; readonly answer: readonly string[] }
);

export interface Hunk {
  readonly before: string;
  readonly after: string;
}

const CAPTION = /^\*\*`([^`]+)`\*\*$/;
const FENCE = /^(```+)([a-z]*)$/;

/** Throws where a block does not say what it is. */
export function stepsIn(document: string): Step[] {
  const steps: Step[] = [];
  const lines = document.split('\n');
  let section = '';
  let file: string | undefined;
  let unanswered: { command: string; section: string } | undefined;
  const run = (answer: string[]) => {
    if (unanswered) steps.push({ does: 'run', ...unanswered, answer });
    unanswered = undefined;
  };
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at]!;
    const [, fence, language] = FENCE.exec(line) ?? [];
    if (fence === undefined) {
      if (line.trim() === '') continue;
      run([]);
      if (line.startsWith('## ')) section = line.slice(3);
      file = CAPTION.exec(line)?.[1];
      continue;
    }
    const end = lines.indexOf(fence, at + 1);
    if (end === -1) throw new Error(`The block in line ${at + 1} has no end.`);
    const block = lines.slice(at + 1, end);
    at = end;
    if (language === '' && unanswered) run(block);
    else {
      run([]);
      if (language === 'sh') unanswered = { command: block.join('\n'), section };
      else if (file === undefined)
        throw new Error(`The block that ends in line ${end + 1} does not say which file it is.`);
      else if (language === 'diff') steps.push({ does: 'change', file, hunks: hunksIn(block), section });
      else steps.push({ does: 'create', file, text: `${block.join('\n')}\n`, section });
    }
    file = undefined;
  }
  run([]);
  return steps;
}

function hunksIn(block: readonly string[]): Hunk[] {
  const hunks = block
    .join('\n')
    .split(/^@@\n/m)
    .map((hunk) => hunk.replace(/\n$/, '').split('\n'));
  const side = (hunk: readonly string[], left: string) =>
    hunk
      .flatMap((line) => (line === '' ? [''] : line[0] === ' ' || line[0] === left ? [line.slice(1)] : []))
      .join('\n');
  return hunks.map((hunk) => ({ before: side(hunk, '-'), after: side(hunk, '+') }));
}
