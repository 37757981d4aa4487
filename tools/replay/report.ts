import Table from 'cli-table3';
import type { Money } from '../shop-client/answers';
import { written } from '../shop-client/money';
import type { SkipReason } from './classify-line';
import type { Plan } from './plan';

/** The invoices are a British shop's. */
export const CURRENCY = 'GBP';

/** What became of the invoices. It depends on the invoices alone, never on timing. */
export interface Report {
  invoices: number;
  orders: { placed: number; confirmed: number; cancelled: number };
  lines: { read: number; kept: number; skipped: Record<SkipReason, number> };
  returns: { matched: number; unmatched: number };
  /** Of confirmed orders, before refunds. */
  revenue: Money;
  refunds: Money;
  products: number;
  customers: number;
}

/** What the shop said: per order of the plan its end and its total in pence, and what was refunded in all. */
export interface Played {
  status: ('confirmed' | 'cancelled')[];
  total: number[];
  refunded: number;
}

export function reportOf(plan: Plan, played: Played): Report {
  const confirmed = played.status.filter((status) => status === 'confirmed').length;
  const revenue = played.total.reduce(
    (sum, total, order) => (played.status[order] === 'confirmed' ? sum + total : sum),
    0,
  );
  return {
    invoices: plan.invoices,
    orders: { placed: played.status.length, confirmed, cancelled: played.status.length - confirmed },
    lines: plan.lines,
    returns: { matched: plan.returns.matched.length, unmatched: plan.returns.unmatched },
    revenue: { amount: revenue, currency: CURRENCY },
    refunds: { amount: played.refunded, currency: CURRENCY },
    products: plan.products.length,
    customers: plan.customers.count,
  };
}

/** The report that a shop must come to in which nothing is cancelled. */
export function expectedReport(plan: Plan): Report {
  const orders = Array.from({ length: plan.orders.count }, (_, order) => order);
  return reportOf(plan, {
    status: orders.map(() => 'confirmed'),
    total: orders.map((order) => plan.orders.total(order)),
    refunded: plan.returns.matched.reduce((sum, { amount }) => sum + amount, 0),
  });
}

/** The report as a table for the screen. */
export function tableOf(report: Report): string {
  const table = new Table({
    colAligns: ['left', 'right'],
    style: { border: [] },
    chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
  });
  const count = new Intl.NumberFormat('en-GB');
  const row = (name: string, value: number) => table.push([name, count.format(value)]);
  row('invoices', report.invoices);
  row('orders placed', report.orders.placed);
  row('  confirmed', report.orders.confirmed);
  row('  cancelled', report.orders.cancelled);
  row('lines read', report.lines.read);
  row('  kept', report.lines.kept);
  for (const [reason, skipped] of Object.entries(report.lines.skipped)) row(`  skipped, ${reason}`, skipped);
  row('returns matched', report.returns.matched);
  row('  unmatched', report.returns.unmatched);
  table.push(['revenue', written(report.revenue)], ['refunds', written(report.refunds)]);
  row('products', report.products);
  row('customers', report.customers);
  return table.toString();
}
