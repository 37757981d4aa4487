import { bus } from './bus';
import type { AuditedShop, Check, Invariant, Violation } from './check';
import { CouldNotLook } from './could-not-look';
import { ModuleView } from './module-view';
import { money } from './money';
import { orders } from './orders';
import { ProviderBooks } from './provider-books';
import { quiet } from './quiet';
import { requests } from './requests';
import { stock } from './stock';

const CHECKS: readonly Check[] = [...money, ...stock, ...orders, ...bus, ...requests];

/** Every invariant that is judged, the order in which violations are told. */
export const invariants: readonly Invariant[] = CHECKS.flatMap((check) => check.invariants);

/** What was looked at, so that silence can be told from nothing to say. */
const COUNTED: readonly { what: string; table: string; sql: string }[] = [
  { what: 'orders', table: 'order', sql: 'SELECT count(*) AS count FROM "order"' },
  { what: 'payments', table: 'payment', sql: 'SELECT count(*) AS count FROM payment' },
  { what: 'reservations', table: 'reservation', sql: 'SELECT count(*) AS count FROM reservation' },
  { what: 'streams', table: 'stream', sql: 'SELECT count(*) AS count FROM stream' },
  { what: 'messages', table: 'outbox', sql: 'SELECT count(*) AS count FROM outbox' },
];

export interface AuditOptions {
  /** Each module's name with the URL of its database. */
  databases: ReadonlyMap<string, string>;
  /** Null: the provider's books are left out, and with them the invariants that need them. */
  providerUrl: string | null;
  /** How long to wait for a quiet moment; 0 judges at once. */
  patienceMs: number;
  /** Told what is going on, for a person who waits. */
  onProgress(what: string): void;
  onViolation(violation: Violation): void;
}

export interface Audit {
  invariants: number;
  violations: number;
  counts: Record<string, number>;
  /** What was still going on when the judging began. */
  unrest: string[];
  seconds: number;
}

/**
 * Judges every invariant, each module as of one moment after all had come to rest. Changes nothing, and holds no more
 * in memory for a million orders than for one. Throws CouldNotLook.
 */
export async function audit(options: AuditOptions): Promise<Audit> {
  const { databases, providerUrl, patienceMs, onProgress, onViolation } = options;
  const beganAt = Date.now();
  const modules = await openAll(databases);
  let books: ProviderBooks | undefined;
  try {
    const unrest = await quiet(modules, patienceMs, (goesOn) => onProgress(`waiting for quiet: ${goesOn.join(', ')}`));
    await Promise.all([...modules.values()].map((view) => view.freeze()));
    if (providerUrl !== null) {
      onProgress("reading the provider's books");
      books = await ProviderBooks.read(providerUrl);
    }
    let violations = 0;
    for await (const violation of violationsIn({ modules, books }, onProgress)) {
      violations += 1;
      onViolation(violation);
    }
    const judged = checksOf({ modules, books }).reduce((sum, check) => sum + check.invariants.length, 0);
    const counts = await countAll({ modules, books });
    return { invariants: judged, violations, counts, unrest, seconds: (Date.now() - beganAt) / 1000 };
  } finally {
    books?.close();
    await Promise.all([...modules.values()].map((view) => view.close()));
  }
}

/** The violations of all invariants, in their order. */
export async function* violationsIn(
  shop: AuditedShop,
  onProgress: (what: string) => void = () => undefined,
): AsyncGenerator<Violation> {
  for (const check of checksOf(shop)) {
    onProgress(check.invariants.map(({ name }) => name).join(', '));
    yield* check.violations(shop);
  }
}

const checksOf = ({ books }: AuditedShop): Check[] =>
  CHECKS.filter(({ ofTheBooks }) => books !== undefined || !ofTheBooks);

async function openAll(databases: ReadonlyMap<string, string>): Promise<Map<string, ModuleView>> {
  const views = await Promise.allSettled([...databases].map(([module, url]) => ModuleView.open(module, url)));
  const opened = views.flatMap((view) => (view.status === 'fulfilled' ? [view.value] : []));
  const failed = views.find((view) => view.status === 'rejected');
  if (!failed) return new Map(opened.map((view) => [view.module, view]));
  await Promise.all(opened.map((view) => view.close()));
  throw failed.reason instanceof Error ? failed.reason : new CouldNotLook(String(failed.reason));
}

async function countAll({ modules, books }: AuditedShop): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const view of modules.values()) {
    for (const { what, table, sql } of COUNTED) {
      if (!(await view.has(table))) continue;
      const [row] = await view.rows<{ count: number }>(sql);
      counts[what] = (counts[what] ?? 0) + (row?.count ?? 0);
    }
  }
  return books ? { ...counts, bookings: books.size } : counts;
}
