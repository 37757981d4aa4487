import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { whatIsMissing } from './shop/placements';
import { skippedLoudly } from './shop/shop';

const missing = whatIsMissing(['one process']);
if (missing) skippedLoudly(`the demo in a shop that is disturbed: ${missing}.`);

const PROGRAM = join(__dirname, '../../dist/tools/demo/main.js');

(missing ? describe.skip : describe)('the demo', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'banyan-demos-'));
    // Root's PostgreSQL runs as an unprivileged user, who has to get in.
    chmodSync(folder, 0o711);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test('ends well in a shop that is killed, with messages that come twice and late, and leaves nothing behind', async () => {
    const env = { PATH: process.env['PATH'], TMPDIR: folder };
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [PROGRAM, '--kill', '--mischief'], { env });
    expect(stdout.match(/│ +✔ │$/gm)).toHaveLength(20);
    expect(stderr).toContain('with BUS_MISCHIEF=duplicate=');
    expect(stderr).toMatch(/killed the shop.*\n(.*\n)*the shop is open again after/);
    expect(stderr).toMatch(/Every order ended as it should\.\nAll \d+ invariants hold: .* 20 orders, /);
    expect(readdirSync(folder)).toEqual([]);
  }, 120_000);
});
