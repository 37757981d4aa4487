import { statement, type Transaction } from '@banyan/persistence';
import { Injectable } from '@nestjs/common';
import type { Decisions, Line, Reservation, Shortage, Stock } from './stock';

interface ReservationRow {
  orderId: string;
  state: Reservation['state'];
  reservationId: string | null;
  wasCommitted: boolean;
  shortages: Shortage[] | null;
  lines: Line[];
}

const reservationsOf = statement<ReservationRow>(
  'inventory.reservations-of',
  `SELECT r.order_id AS "orderId", r.state, r.reservation_id AS "reservationId", r.shortages,
          r.committed_at IS NOT NULL AS "wasCommitted",
          ARRAY(SELECT json_build_object('productId', l.product_id, 'quantity', l.quantity)
                  FROM reservation_line l WHERE l.order_id = r.order_id ORDER BY l.product_id) AS lines
     FROM reservation r
    WHERE r.order_id = ANY ($1::uuid[])
    ORDER BY r.order_id
      FOR UPDATE OF r`,
);

// Whoever touches stock locks the rows in product order first, so that two batches can wait for but never on each other.
const lockShelf = statement<{ productId: string } & Stock>(
  'inventory.lock-shelf',
  `SELECT product_id AS "productId", on_hand AS "onHand", reserved
     FROM stock
    WHERE product_id = ANY ($1::uuid[])
    ORDER BY product_id
      FOR UPDATE`,
);

const restockedOf = statement<Line & { orderId: string }>(
  'inventory.restocked-of',
  `SELECT order_id AS "orderId", product_id AS "productId", sum(quantity)::bigint AS quantity
     FROM stock_movement
    WHERE order_id = ANY ($1::uuid[]) AND kind = 'restocked'
    GROUP BY order_id, product_id`,
);

const addReservations = statement<never>(
  'inventory.add-reservations',
  `WITH added AS (
     INSERT INTO reservation (order_id, reservation_id, state, shortages, decided_at)
     SELECT order_id, reservation_id, state, shortages::jsonb, $5::timestamptz
       FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[]) AS new (order_id, reservation_id, state, shortages)
   )
   INSERT INTO reservation_line (order_id, product_id, quantity)
   SELECT * FROM unnest($6::uuid[], $7::uuid[], $8::bigint[])`,
);

const markCommitted = statement<never>(
  'inventory.mark-committed',
  `UPDATE reservation SET state = 'committed', committed_at = $2 WHERE order_id = ANY ($1::uuid[])`,
);

const markReleased = statement<never>(
  'inventory.mark-released',
  `UPDATE reservation SET state = 'released', released_at = $2 WHERE order_id = ANY ($1::uuid[])`,
);

const changeShelf = statement<never>(
  'inventory.change-shelf',
  `UPDATE stock
      SET on_hand = stock.on_hand + change.on_hand, reserved = stock.reserved + change.reserved
     FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS change (product_id, on_hand, reserved)
    WHERE stock.product_id = change.product_id`,
);

const addMovements = statement<never>(
  'inventory.add-movements',
  `INSERT INTO stock_movement (product_id, kind, quantity, order_id, moved_at)
   SELECT product_id, kind, quantity, order_id, $5::timestamptz
     FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::uuid[]) AS moved (product_id, kind, quantity, order_id)`,
);

const addStock = statement<never>('inventory.add-stock', `INSERT INTO stock (product_id, on_hand) VALUES ($1, $2)`);

const setOnHand = statement<never>('inventory.set-on-hand', `UPDATE stock SET on_hand = $2 WHERE product_id = $1`);

const addMovement = statement<never>(
  'inventory.add-movement',
  `INSERT INTO stock_movement (product_id, kind, quantity, order_id, reason, moved_at) VALUES ($1, $2, $3, $4, $5, $6)`,
);

/** Stock and reservations in the tables: what is read is locked, and what was decided is written, for a batch at a time. */
@Injectable()
export class StockRepository {
  /** The reservations of these orders by order, locked until the transaction ends. */
  async reservations(tx: Transaction, orderIds: readonly string[]): Promise<Map<string, Reservation>> {
    const rows = await tx.query(reservationsOf, [distinct(orderIds)]);
    return new Map(rows.map((row) => [row.orderId, reservationFrom(row)]));
  }

  /** The stock of these products by product, locked until the transaction ends. A product that is not known is absent. */
  async lockShelf(tx: Transaction, productIds: readonly string[]): Promise<Map<string, Stock>> {
    const rows = await tx.query(lockShelf, [distinct(productIds)]);
    return new Map(rows.map(({ productId, onHand, reserved }) => [productId, { onHand, reserved }]));
  }

  /** What came back from these orders by hand. Complete only while their products' stock is locked. */
  async restocked(tx: Transaction, orderIds: readonly string[]): Promise<(Line & { orderId: string })[]> {
    return tx.query(restockedOf, [distinct(orderIds)]);
  }

  recordReserved(tx: Transaction, decisions: Decisions, at: Date): void {
    this.add(tx, decisions.reservations, at);
    this.move(tx, decisions, at);
  }

  recordCommitted(tx: Transaction, decisions: Decisions, at: Date): void {
    const committed = decisions.reservations.map(({ orderId }) => orderId);
    if (committed.length === 0) return;
    tx.send(markCommitted, [committed, at]);
    this.move(tx, decisions, at);
  }

  recordReleased(tx: Transaction, decisions: Decisions, at: Date): void {
    const released = decisions.reservations.filter(({ state }) => state === 'released').map(({ orderId }) => orderId);
    const givenUp = decisions.reservations.filter(({ state }) => state === 'refused');
    if (released.length > 0) tx.send(markReleased, [released, at]);
    this.add(tx, givenUp, at);
    this.move(tx, decisions, at);
  }

  /** The first pieces of a product that has just been listed. */
  async addStock(tx: Transaction, productId: string, onHand: number, at: Date): Promise<void> {
    await Promise.all([
      tx.query(addStock, [productId, onHand]),
      ...(onHand > 0 ? [tx.query(addMovement, [productId, 'initial', onHand, null, null, at])] : []),
    ]);
  }

  /** What was counted by hand; with an order, its goods that came back. */
  async recordAdjusted(
    tx: Transaction,
    {
      productId,
      onHand,
      delta,
      reason,
      orderId,
    }: { productId: string; onHand: number; delta: number; reason: string; orderId?: string | undefined },
    at: Date,
  ): Promise<void> {
    const kind = orderId === undefined ? 'adjusted' : 'restocked';
    await Promise.all([
      tx.query(setOnHand, [productId, onHand]),
      tx.query(addMovement, [productId, kind, delta, orderId ?? null, reason, at]),
    ]);
  }

  private add(tx: Transaction, reservations: readonly Reservation[], at: Date): void {
    if (reservations.length === 0) return;
    const lines = reservations.flatMap((reservation) =>
      reservation.state === 'refused'
        ? []
        : reservation.lines.map((line) => ({ orderId: reservation.orderId, ...line })),
    );
    tx.send(addReservations, [
      reservations.map(({ orderId }) => orderId),
      reservations.map((reservation) => (reservation.state === 'refused' ? null : reservation.reservationId)),
      reservations.map(({ state }) => state),
      reservations.map((reservation) =>
        reservation.state === 'refused' ? JSON.stringify(reservation.shortages) : null,
      ),
      at,
      lines.map(({ orderId }) => orderId),
      lines.map(({ productId }) => productId),
      lines.map(({ quantity }) => quantity),
    ]);
  }

  private move(tx: Transaction, { shelf, movements }: Decisions, at: Date): void {
    if (shelf.length > 0) {
      tx.send(changeShelf, [
        shelf.map(({ productId }) => productId),
        shelf.map(({ onHand }) => onHand),
        shelf.map(({ reserved }) => reserved),
      ]);
    }
    if (movements.length > 0) {
      tx.send(addMovements, [
        movements.map(({ productId }) => productId),
        movements.map(({ kind }) => kind),
        movements.map(({ quantity }) => quantity),
        movements.map(({ orderId }) => orderId),
        at,
      ]);
    }
  }
}

function reservationFrom({
  orderId,
  state,
  reservationId,
  wasCommitted,
  shortages,
  lines,
}: ReservationRow): Reservation {
  if (state === 'refused') return { state, orderId, shortages: shortages ?? [] };
  if (reservationId === null) throw new Error(`The reservation of order ${orderId} is ${state} and has no id.`);
  if (state === 'released') return { state, orderId, reservationId, lines, wasCommitted };
  return { state, orderId, reservationId, lines };
}

function distinct(ids: readonly string[]): string[] {
  return [...new Set(ids)];
}
