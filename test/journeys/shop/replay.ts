import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { END_WITH_PARENT } from './own-processes';
import type { RunningShop } from './shop';

const TOOLS = join(__dirname, '../../../dist/tools');
const LINES = 800;

/** What the replay reports, as far as journeys look into it. */
export interface ReplayReport {
  orders: { placed: number; confirmed: number; cancelled: number };
}

/** Invoices to be replayed: those at REPLAY_DATA, or else a few weeks of a synthetic year. */
export class Invoices {
  private constructor(
    private readonly folder: string,
    private readonly data: string,
  ) {}

  static async find(): Promise<Invoices> {
    const folder = mkdtempSync(join(tmpdir(), 'banyan-invoices-'));
    const given = process.env['REPLAY_DATA'];
    if (given) return new Invoices(folder, given);
    const data = join(folder, 'invoices.csv');
    const program = join(TOOLS, 'replay/generate/main.js');
    await promisify(execFile)(process.execPath, [program, data, '--lines', String(LINES)]);
    return new Invoices(folder, data);
  }

  /**
   * Plays them with products and customers called after `name`, and answers the report. Fails where that is not what the
   * invoices come to.
   * @param address where the shop is asked, if not at its own
   */
  async playedIn(shop: RunningShop, name: string, address = shop.baseUrl): Promise<ReplayReport> {
    const report = join(this.folder, `${name}.json`);
    const args = [join(TOOLS, 'replay/main.js'), this.data, '--base-url', address, '--as', name, '--report', report];
    const child = spawn(process.execPath, ['--require', END_WITH_PARENT, ...args], {
      env: shop.environment,
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    const [said, [exitCode]] = await Promise.all([text(child.stderr!), once(child, 'exit')]);
    if (exitCode !== 0) throw new Error(`The replay ${name} ended with ${exitCode}:\n${said}`);
    return JSON.parse(readFileSync(report, 'utf8')) as ReplayReport;
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
