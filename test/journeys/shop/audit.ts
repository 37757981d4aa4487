import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { RunningShop } from './shop';

const PROGRAM = join(__dirname, '../../../dist/tools/audit/main.js');

/**
 * Judges every invariant of a shop once it is quiet: what its modules, its bus and the provider's books say of the same
 * orders, whatever the journeys there have looked at. Fails with a line for each violation.
 */
export async function audit(shop: RunningShop): Promise<void> {
  try {
    await promisify(execFile)(process.execPath, [PROGRAM], { env: shop.environment });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`The shop's books do not balance:\n${stdout}${stderr}`);
  }
}
