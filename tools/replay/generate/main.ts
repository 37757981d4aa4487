import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { HEADER, syntheticYear } from './synthetic-year';

const HELP = `Writes a synthetic year of invoices, like the real shop's, for the replay to be tried with.

  npm run replay:generate -- FILE [--lines N]

  --lines N   a shorter year, or a longer one; 542000 lines by default (25900 invoices, 4335 customers)
  --help      shows this

The same number of lines always makes the same file.
`;

const LINES_A_CHUNK = 1_000;

async function generate(file: string, wanted: number): Promise<void> {
  await pipeline(Readable.from(chunks(wanted)), createWriteStream(file));
}

function* chunks(wanted: number): Generator<string> {
  let lines = [HEADER];
  for (const line of syntheticYear(wanted)) {
    lines.push(line);
    if (lines.length < LINES_A_CHUNK) continue;
    yield `${lines.join('\n')}\n`;
    lines = [];
  }
  if (lines.length > 0) yield `${lines.join('\n')}\n`;
}

function refuse(reason: string): void {
  process.stderr.write(`replay:generate: ${reason}\nSee \`npm run replay:generate -- --help\`.\n`);
  process.exitCode = 2;
}

async function main(): Promise<void> {
  let parsed;
  try {
    parsed = parseArgs({
      allowPositionals: true,
      options: {
        lines: { type: 'string', default: '542000' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    return refuse((error as Error).message);
  }
  const { values, positionals } = parsed;
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const [file] = positionals;
  const lines = Number(values.lines);
  if (positionals.length !== 1 || !file) return refuse('Name one file to write.');
  if (!Number.isInteger(lines) || lines < 1)
    return refuse(`--lines must be a whole number from 1, not ${values.lines}.`);
  try {
    await generate(file, lines);
  } catch (error) {
    return refuse(`${file} cannot be written: ${(error as Error).message}`);
  }
  process.stdout.write(`Wrote ${lines} lines to ${file}.\n`);
}

void main();
