import Table from 'cli-table3';
import colours from 'picocolors';
import { written } from '../shop-client/money';
import type { Outcome } from './visit';

export const CURRENCY = 'GBP';

/** A line for whoever watches, beside what the command answers on standard output. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

export function lineAbout(number: number, { scenario, order, tookMs, complaints }: Outcome): string {
  const mark = complaints.length === 0 ? colours.green('✔') : colours.red('✘');
  const end = order ? `${order.status}${order.cancelReason ? ` (${order.cancelReason})` : ''}` : 'refused';
  const what = `${String(number + 1).padStart(2)} ${scenario.customer} ${scenario.says}`;
  return `${mark} ${what}: ${end} after ${(tookMs / 1000).toFixed(1)} s`;
}

export function tableOf(outcomes: readonly Outcome[]): string {
  const table = new Table({
    head: ['', 'customer', 'what happens', 'expected', 'became', 'paid', 'seconds', ''].map(colours.bold),
    colAligns: ['right', 'left', 'left', 'left', 'left', 'right', 'right', 'left'],
    // Narrow enough for a terminal of 120 columns.
    colWidths: [null, null, 30],
    wordWrap: true,
    style: { head: [], border: [] },
    chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
  });
  const ending = (status: string, reason?: string | null) => (reason ? `${status}, ${reason}` : status);
  const price = (amount: number) => written({ amount, currency: CURRENCY });
  for (const [number, { scenario, order, kept, tookMs, complaints }] of outcomes.entries()) {
    table.push([
      number + 1,
      scenario.customer,
      scenario.says,
      ending(scenario.becomes, scenario.cancelReason),
      order ? ending(order.status, order.cancelReason) : 'refused',
      price(kept),
      (tookMs / 1000).toFixed(1),
      complaints.length === 0 ? colours.green('✔') : colours.red(`✘ ${complaints.join('; ')}`),
    ]);
  }
  return table.toString();
}

/** The closing line about the orders. */
export function verdictOn(outcomes: readonly Outcome[]): string {
  const wrong = outcomes.filter(({ complaints }) => complaints.length > 0).length;
  return wrong === 0
    ? colours.green('Every order ended as it should.')
    : colours.red(`${wrong} of ${outcomes.length} orders ended otherwise than they should, or not at all.`);
}
