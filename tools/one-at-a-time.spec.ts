import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const program = `
  const { oneAtATime } = require(${JSON.stringify(join(__dirname, 'one-at-a-time.cjs'))});
  const { appendFileSync } = require('node:fs');
  const [lock, book] = process.argv.slice(1);
  oneAtATime(lock, () => {
    appendFileSync(book, 'in ');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
    appendFileSync(book, 'out ');
  }, () => undefined);
`;

let folder: string;
let lock: string;
let book: string;
const work = (times: number) =>
  Promise.all(Array.from({ length: times }, () => run(process.execPath, ['-e', program, lock, book])));

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'banyan-lock-'));
  lock = join(folder, 'deep', 'work.lock');
  book = join(folder, 'book');
});

afterEach(() => rmSync(folder, { recursive: true }));

describe('one at a time', () => {
  it('lets nobody in while another is at work, and leaves nothing behind', async () => {
    await work(6);
    expect(readFileSync(book, 'utf8')).toBe('in out '.repeat(6));
    expect(existsSync(lock)).toBe(false);
  });

  it('takes over from one that was killed, still one at a time', async () => {
    await work(1);
    writeFileSync(lock, String(await numberOfADeadProcess()));
    await work(4);
    expect(readFileSync(book, 'utf8')).toBe('in out '.repeat(5));
  });

  it('takes over from one whose number another process has by now', async () => {
    await work(1);
    writeFileSync(lock, String(process.pid));
    const longAgo = new Date(Date.now() - 3_600_000);
    utimesSync(lock, longAgo, longAgo);
    await work(1);
    expect(readFileSync(book, 'utf8')).toBe('in out '.repeat(2));
  });
});

async function numberOfADeadProcess(): Promise<number> {
  const { stdout } = await run(process.execPath, ['-p', 'process.pid']);
  return Number(stdout);
}
