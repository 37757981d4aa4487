import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

const KEPT = join(__dirname, '../../../.banyan/journeys');
const MOST_LINES = 40;

/** Keeps a shop's log where it outlives the shop, and shows what in it is out of the ordinary. */
export function keepLog(logFile: string): void {
  mkdirSync(KEPT, { recursive: true });
  const kept = join(KEPT, `${basename(dirname(logFile))}.log`);
  copyFileSync(logFile, kept);
  const telling = readFileSync(logFile, 'utf8').split('\n').filter(isTelling);
  process.stderr.write(
    [
      `\nA journey failed. What the shop said is kept in ${kept};`,
      telling.length > 0 ? 'what of it was out of the ordinary:' : 'nothing of it was out of the ordinary.',
      ...telling.slice(-MOST_LINES).map((line) => line.slice(0, 1_000)),
      '',
    ].join('\n'),
  );
}

function isTelling(line: string): boolean {
  if (line === '') return false;
  try {
    return ['warn', 'error', 'fatal'].includes((JSON.parse(line) as { level: string }).level);
  } catch {
    // Not a line of the log but something said before there was one, or a crash.
    return true;
  }
}
