import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const OUTLIVING = `require(${JSON.stringify(join(__dirname, 'outlive-readers.cjs'))}).outliveReaders();`;
const TALKING = `
  const { setImmediate: pause } = require('node:timers/promises');
  void (async () => {
    for (let line = 0; line < 1_000; line++, await pause()) process.stdout.write('x'.repeat(100) + '\\n');
    process.exitCode = 3;
  })();
`;

/** Runs the program for somebody who reads one piece of what it says. Answers its exit code. */
async function readBriefly(program: string): Promise<number> {
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'ignore'] });
  child.stdout.once('data', () => child.stdout.destroy());
  const [code] = (await once(child, 'exit')) as [number];
  return code;
}

it('a command comes to its end and its exit code though nobody reads on', async () => {
  expect(await readBriefly(OUTLIVING + TALKING)).toBe(3);
  // What it would do otherwise.
  expect(await readBriefly(TALKING)).toBe(1);
});
