/**
 * What may be promised to whom: stock, the reservations of it, and every decision about them, without a database.
 *
 * Terminology
 * - on hand: pieces in the house. Reserved: those of them that are held for orders. Available: the others.
 * - shelf: the stock of all products that a batch of requests touches.
 * - hold, commit, release: an order's pieces are set aside; leave the house; are set free, or come back.
 * - restocked: pieces of an order that came back one by one, counted by hand, before the order was released.
 */
import { NothingToCommit, StockWouldBeNegative } from './errors';

export interface Stock {
  readonly onHand: number;
  readonly reserved: number;
}

export interface Line {
  readonly productId: string;
  readonly quantity: number;
}

export interface Shortage {
  readonly productId: string;
  readonly requested: number;
  readonly available: number;
}

/**
 * What an order was promised. An order has one reservation for ever, all of its lines or none.
 *
 *     held ──▶ committed ──▶ released
 *       └──────────────────────▲
 *     refused
 *
 * `refused` without a shortage is an order that released before it reserved: it was given up, and stays so.
 */
export type Reservation =
  | {
      readonly state: 'held' | 'committed';
      readonly orderId: string;
      readonly reservationId: string;
      readonly lines: readonly Line[];
    }
  | {
      readonly state: 'released';
      readonly orderId: string;
      readonly reservationId: string;
      readonly lines: readonly Line[];
      readonly wasCommitted: boolean;
    }
  | { readonly state: 'refused'; readonly orderId: string; readonly shortages: readonly Shortage[] };

/** Pieces that left the house for an order, or came back because it was released. Negative: they left. */
export interface Movement {
  readonly kind: 'sold' | 'put-back';
  readonly orderId: string;
  readonly productId: string;
  readonly quantity: number;
}

/** How much the stock of one product changes. */
export interface ShelfChange {
  readonly productId: string;
  readonly onHand: number;
  readonly reserved: number;
}

/** What a batch is decided upon: the stock by product and the reservations by order, of all that the batch names. */
export interface Books {
  readonly shelf: ReadonlyMap<string, Stock>;
  readonly reservations: ReadonlyMap<string, Reservation>;
}

/** What became of a batch, ready to be written in a few statements. */
export interface Decisions {
  /** For each request, in their order, the reservation of its order as it stands after it. */
  readonly answers: readonly Reservation[];
  /** The reservations that are new or have changed, once each. */
  readonly reservations: readonly Reservation[];
  /** One change per product, however many orders it comes from. */
  readonly shelf: readonly ShelfChange[];
  readonly movements: readonly Movement[];
}

export function available(stock: Stock): number {
  return stock.onHand - stock.reserved;
}

/**
 * Holds every line of an order or none, in order of arrival. Asked again, an order is answered as it was the first
 * time, whatever has become of it since, so a repeated or replayed request takes nothing.
 */
export function reserve(
  books: Books,
  requests: readonly { readonly orderId: string; readonly reservationId: string; readonly lines: readonly Line[] }[],
): Decisions {
  const draft = new Draft(books);
  for (const { orderId, reservationId, lines } of requests) {
    const known = draft.reservationOf(orderId);
    if (known !== undefined) {
      draft.answer(known);
      continue;
    }
    const wanted = addUp(lines);
    const shortages = wanted
      .map(({ productId, quantity }) => ({ productId, requested: quantity, available: draft.availableOf(productId) }))
      .filter(({ requested, available }) => requested > available);
    if (shortages.length > 0) {
      draft.settle({ state: 'refused', orderId, shortages });
      continue;
    }
    for (const { productId, quantity } of wanted) draft.change(productId, 0, quantity);
    draft.settle({ state: 'held', orderId, reservationId, lines: wanted });
  }
  return draft.decisions();
}

/**
 * Lets the held pieces of an order leave the house. What was committed once is answered again and moves nothing.
 * Throws `NothingToCommit` for an order whose pieces never could leave: only a broken process asks for that.
 */
export function commit(books: Books, requests: readonly { readonly orderId: string }[]): Decisions {
  const draft = new Draft(books);
  for (const { orderId } of requests) {
    const known = draft.reservationOf(orderId);
    if (known?.state === 'held') {
      for (const { productId, quantity } of known.lines) {
        draft.change(productId, -quantity, -quantity);
        draft.move({ kind: 'sold', orderId, productId, quantity: -quantity });
      }
      draft.settle({ ...known, state: 'committed' });
    } else if (known?.state === 'committed' || (known?.state === 'released' && known.wasCommitted)) {
      draft.answer(known);
    } else {
      throw new NothingToCommit(orderId);
    }
  }
  return draft.decisions();
}

/**
 * Undoes whatever an order has: a held reservation is set free; of a committed one the pieces come back, less those
 * in `restocked`, which are on the shelf already; an order with nothing is given up, and cannot reserve any more.
 * An order released before is answered again and moves nothing.
 */
export function release(
  books: Books & { readonly restocked: readonly (Line & { readonly orderId: string })[] },
  requests: readonly { readonly orderId: string }[],
): Decisions {
  const draft = new Draft(books);
  const cameBack = new Map(books.restocked.map((piece) => [`${piece.orderId} ${piece.productId}`, piece.quantity]));
  for (const { orderId } of requests) {
    const known = draft.reservationOf(orderId);
    switch (known?.state) {
      case undefined:
        draft.settle({ state: 'refused', orderId, shortages: [] });
        break;
      case 'held':
        for (const { productId, quantity } of known.lines) draft.change(productId, 0, -quantity);
        draft.settle({ ...known, state: 'released', wasCommitted: false });
        break;
      case 'committed':
        for (const { productId, quantity } of known.lines) {
          const there = Math.max(0, cameBack.get(`${orderId} ${productId}`) ?? 0);
          const missing = Math.max(0, quantity - there);
          if (missing === 0) continue;
          draft.change(productId, missing, 0);
          draft.move({ kind: 'put-back', orderId, productId, quantity: missing });
        }
        draft.settle({ ...known, state: 'released', wasCommitted: true });
        break;
      case 'released':
      case 'refused':
        draft.answer(known);
        break;
      default:
        known satisfies never;
    }
  }
  return draft.decisions();
}

/** The products whose stock these reservations touch. */
export function productsOf(reservations: Iterable<Reservation>): string[] {
  return [...reservations].flatMap((one) =>
    one.state === 'refused' ? [] : one.lines.map(({ productId }) => productId),
  );
}

/** Counts pieces in or out by hand. Throws `StockWouldBeNegative` if fewer would be left than are reserved. */
export function adjust(stock: Stock, delta: number): Stock {
  const onHand = stock.onHand + delta;
  if (onHand < stock.reserved) throw new StockWouldBeNegative(stock.onHand, stock.reserved, delta);
  return { ...stock, onHand };
}

function addUp(lines: readonly Line[]): Line[] {
  const quantities = new Map<string, number>();
  for (const { productId, quantity } of lines) quantities.set(productId, (quantities.get(productId) ?? 0) + quantity);
  return [...quantities].map(([productId, quantity]) => ({ productId, quantity }));
}

/** The books while a batch is decided: what was read, and on top of it what the requests before this one have changed. */
class Draft {
  private readonly answers: Reservation[] = [];
  private readonly settled = new Map<string, Reservation>();
  private readonly changes = new Map<string, { onHand: number; reserved: number }>();
  private readonly movements: Movement[] = [];

  constructor(private readonly books: Books) {}

  reservationOf(orderId: string): Reservation | undefined {
    return this.settled.get(orderId) ?? this.books.reservations.get(orderId);
  }

  /** None of a product that is not known is available. */
  availableOf(productId: string): number {
    const stock = this.books.shelf.get(productId);
    if (stock === undefined) return 0;
    const change = this.changes.get(productId);
    return available(stock) + (change === undefined ? 0 : change.onHand - change.reserved);
  }

  change(productId: string, onHand: number, reserved: number): void {
    const change = this.changes.get(productId);
    if (change === undefined) {
      this.changes.set(productId, { onHand, reserved });
    } else {
      change.onHand += onHand;
      change.reserved += reserved;
    }
  }

  move(movement: Movement): void {
    this.movements.push(movement);
  }

  settle(reservation: Reservation): void {
    this.settled.set(reservation.orderId, reservation);
    this.answers.push(reservation);
  }

  answer(reservation: Reservation): void {
    this.answers.push(reservation);
  }

  decisions(): Decisions {
    return {
      answers: this.answers,
      reservations: [...this.settled.values()],
      shelf: [...this.changes].map(([productId, change]) => ({ productId, ...change })),
      movements: this.movements,
    };
  }
}
