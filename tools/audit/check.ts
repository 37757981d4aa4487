import type { ModuleView } from './module-view';
import { pairsByKey, type Keyed } from './pairs-by-key';
import type { ProviderBooks } from './provider-books';

/** Something that must hold whenever the shop is at rest. */
export interface Invariant {
  /** `group/what`, for example `money/one-capture`. */
  readonly name: string;
  /** The same as a sentence. */
  readonly holds: string;
}

export interface Violation {
  readonly invariant: string;
  /** What breaks it, with its id: `order 0199…`. */
  readonly subject: string;
  readonly what: string;
}

/** What is judged: each module's data as of one moment, and the provider's books unless they are left out. */
export interface AuditedShop {
  readonly modules: ReadonlyMap<string, ModuleView>;
  readonly books: ProviderBooks | undefined;
}

/** Invariants that are judged in one pass. */
export interface Check {
  readonly invariants: readonly Invariant[];
  /** Needs the provider's books. */
  readonly ofTheBooks?: boolean;
  violations(shop: AuditedShop): AsyncIterable<Violation>;
}

/** `broken`: SQL on the module's tables of which every row is a violation, with columns `subject` and `what`. */
type Sql = Invariant & { readonly broken: string };

interface Row {
  subject: string;
  what: string;
}

/** Holds within the data of one module. */
export function within(module: string, { name, holds, broken }: Sql): Check {
  return {
    invariants: [{ name, holds }],
    async *violations({ modules }) {
      for await (const rows of viewOf(modules, module).stream<Row>(broken)) {
        for (const { subject, what } of rows) yield { invariant: name, subject, what };
      }
    },
  };
}

/** Holds within the data of every module that has `table`. */
export function withinEvery(table: string, { name, holds, broken }: Sql): Check {
  return {
    invariants: [{ name, holds }],
    async *violations({ modules }) {
      for (const [module, view] of modules) {
        if (!(await view.has(table))) continue;
        for await (const rows of view.stream<Row>(broken)) {
          for (const { subject, what } of rows) yield { invariant: name, subject: `${module} ${subject}`, what };
        }
      }
    },
  };
}

/** One side of a comparison, in the order of its keys. */
type Side<Row extends Keyed> = (shop: AuditedShop) => AsyncIterable<Row[]>;

export interface SideBySide<Left extends Keyed, Right extends Keyed> {
  readonly left: Side<Left>;
  readonly right: Side<Right>;
  /** What a key is the id of. */
  readonly keyOf: string;
  readonly invariants: readonly (Invariant & {
    /** What is wrong with the two rows of one key, of which one may be missing; undefined where nothing is. */
    broken(left: Left | undefined, right: Right | undefined): string | undefined;
  })[];
}

/** Holds between two sources that are never joined in SQL: their databases may be different ones. */
export function sideBySide<Left extends Keyed, Right extends Keyed>(
  { left, right, keyOf, invariants }: SideBySide<Left, Right>,
  more: Pick<Check, 'ofTheBooks'> = {},
): Check {
  return {
    ...more,
    invariants,
    async *violations(shop) {
      for await (const pairs of pairsByKey(left(shop), right(shop))) {
        for (const [key, one, other] of pairs) {
          for (const { name, broken } of invariants) {
            const what = broken(one, other);
            if (what !== undefined) yield { invariant: name, subject: `${keyOf} ${key}`, what };
          }
        }
      }
    },
  };
}

/** The rows of a query on a module's tables; it must answer a column `key`, and in the order of it. */
export function rowsOf<Row extends Keyed>(module: string, sql: string): Side<Row> {
  return ({ modules }) => viewOf(modules, module).stream<Row>(sql);
}

function viewOf(modules: AuditedShop['modules'], module: string): ModuleView {
  const view = modules.get(module);
  if (!view) throw new Error(`There is no module ${module} to be audited.`);
  return view;
}
