import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endLeftOver, note } from './left-over';

let folder: string;
let child: ChildProcess;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'banyan-left-over-'));
  child = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)']);
});

afterEach(() => {
  child.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

describe('what a killed runner has left over', () => {
  it('is ended by the next one, even if it does not react', async () => {
    note(folder, 'orders', child.pid!);
    child.kill('SIGSTOP');
    const gone = once(child, 'exit');
    expect(await endLeftOver(folder)).toEqual(['orders']);
    expect(await gone).toEqual([null, 'SIGKILL']);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('is nothing where the process had ended, and its note went with it', async () => {
    const forget = note(folder, 'orders', child.pid!);
    forget();
    expect(await endLeftOver(folder)).toEqual([]);
    expect(child.exitCode).toBeNull();
  });

  it('is not another program that has the number by now, nor what a torn note says', async () => {
    writeFileSync(join(folder, 'orders.json'), JSON.stringify({ pid: child.pid, began: 'long ago' }));
    writeFileSync(join(folder, 'users.json'), '{"pid":');
    expect(await endLeftOver(folder)).toEqual([]);
    expect([child.exitCode, child.signalCode]).toEqual([null, null]);
  });
});
