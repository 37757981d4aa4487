import { rowsOf, sideBySide, within, type Check } from './check';

interface OrderedRow {
  key: string;
  status: string;
  /** A digest of products and quantities; null unless confirmed. */
  ordered: string | null;
}

interface ReservationRow {
  key: string;
  state: 'held' | 'committed' | 'released' | 'refused';
  /** The same digest; null unless committed. */
  committed: string | null;
}

// Compared instead of the lines themselves, so that an order of a thousand lines is no more to carry than one of one.
const digestOf = (lines: string) =>
  `(SELECT md5(string_agg(product_id || ' ' || quantity, ',' ORDER BY product_id)) FROM ${lines})`;

const ordersAndReservations = sideBySide<OrderedRow, ReservationRow>({
  keyOf: 'order',
  left: rowsOf(
    'orders',
    `SELECT id::text AS key, status, CASE WHEN status = 'confirmed' THEN ${digestOf(
      `(SELECT "productId" AS product_id, sum(quantity)::bigint AS quantity
        FROM jsonb_to_recordset(items) AS item("productId" uuid, quantity bigint) GROUP BY 1) AS line`,
    )} END AS ordered
     FROM "order" ORDER BY id`,
  ),
  right: rowsOf(
    'inventory',
    `SELECT order_id::text AS key, state, CASE WHEN state = 'committed' THEN ${digestOf(
      'reservation_line line WHERE line.order_id = r.order_id',
    )} END AS committed
     FROM reservation r ORDER BY order_id`,
  ),
  invariants: [
    {
      name: 'stock/none-held-after-end',
      holds: 'Nothing is held for an order that has ended.',
      broken: (order, reservation) =>
        reservation?.state === 'held' && (order?.status === 'confirmed' || order?.status === 'cancelled')
          ? `${order.status}, and its reservation is still held`
          : undefined,
    },
    {
      name: 'stock/committed-as-ordered',
      holds: 'What was committed for a confirmed order is what it ordered.',
      broken(order, reservation) {
        if (order?.status !== 'confirmed' || reservation?.state === 'held') return undefined;
        if (reservation?.state !== 'committed')
          return `confirmed, and its reservation is ${reservation?.state ?? 'missing'}`;
        return order.ordered === reservation.committed ? undefined : 'other quantities were committed than it ordered';
      },
    },
    {
      name: 'stock/given-back-when-cancelled',
      holds: 'Nothing stays committed for a cancelled order.',
      broken: (order, reservation) =>
        order?.status === 'cancelled' && reservation?.state === 'committed'
          ? 'cancelled, and its reservation is still committed'
          : undefined,
    },
    {
      name: 'stock/of-an-order',
      holds: 'Every reservation belongs to an order.',
      broken: (order, reservation) =>
        reservation && !order ? `has a reservation (${reservation.state}), but there is no such order` : undefined,
    },
  ],
});

const withinBounds = within('inventory', {
  name: 'stock/within-bounds',
  holds: '0 ≤ reserved ≤ on hand.',
  broken: `
    SELECT 'product ' || product_id AS subject, reserved || ' reserved of ' || on_hand || ' on hand' AS what
    FROM stock WHERE NOT (0 <= reserved AND reserved <= on_hand)`,
});

const onHandIsMovements = within('inventory', {
  name: 'stock/on-hand-is-its-movements',
  holds: 'What is on hand is the sum of its movements.',
  broken: `
    SELECT 'product ' || product_id AS subject,
           format('%s on hand, its movements add up to %s', coalesce(s.on_hand::text, 'nothing'), coalesce(m.total, 0)) AS what
    FROM stock s
    FULL JOIN (SELECT product_id, sum(quantity) AS total FROM stock_movement GROUP BY product_id) m USING (product_id)
    WHERE s.on_hand IS DISTINCT FROM coalesce(m.total, 0)`,
});

const reservedIsHeld = within('inventory', {
  name: 'stock/reserved-is-held',
  holds: 'What is reserved is the sum of the held reservations.',
  broken: `
    SELECT 'product ' || product_id AS subject,
           format('%s reserved, held reservations add up to %s', coalesce(s.reserved::text, 'nothing'), coalesce(h.total, 0)) AS what
    FROM stock s
    FULL JOIN (
      SELECT l.product_id, sum(l.quantity) AS total
      FROM reservation r JOIN reservation_line l USING (order_id) WHERE r.state = 'held' GROUP BY l.product_id
    ) h USING (product_id)
    WHERE s.reserved IS DISTINCT FROM coalesce(h.total, 0)`,
});

const oneLiveReservation = within('inventory', {
  name: 'stock/one-live-reservation',
  holds: 'An order has one live reservation of a product at most.',
  broken: `
    SELECT 'order ' || order_id AS subject, count(*) || ' live reservations of product ' || product_id AS what
    FROM reservation JOIN reservation_line USING (order_id)
    WHERE state IN ('held', 'committed') GROUP BY order_id, product_id HAVING count(*) > 1`,
});

const wholeReservations = within('inventory', {
  name: 'stock/whole-reservations',
  holds: 'A reservation has lines unless it was refused, and every line has a reservation.',
  broken: `
    SELECT 'order ' || order_id AS subject,
           CASE WHEN l.lines IS NULL THEN 'its reservation is ' || r.state || ' and has no lines'
                ELSE l.lines || ' lines, but its reservation is ' || coalesce(r.state, 'missing') END AS what
    FROM reservation r
    FULL JOIN (SELECT order_id, count(*) AS lines FROM reservation_line GROUP BY order_id) l USING (order_id)
    WHERE (coalesce(r.state, 'refused') = 'refused') = (l.lines IS NOT NULL)`,
});

const soldAsCommitted = within('inventory', {
  name: 'stock/sold-as-committed',
  holds: 'What left the house for an order is what was committed for it, once.',
  broken: `
    SELECT 'order ' || order_id AS subject,
           format('%s sold of product %s, %s committed', coalesce(s.quantity, 0), product_id, coalesce(c.quantity, 0)) AS what
    FROM (
      SELECT order_id, product_id, quantity
      FROM reservation JOIN reservation_line USING (order_id) WHERE committed_at IS NOT NULL
    ) c
    FULL JOIN (
      SELECT order_id, product_id, -sum(quantity) AS quantity
      FROM stock_movement WHERE kind = 'sold' GROUP BY order_id, product_id
    ) s USING (order_id, product_id)
    WHERE c.quantity IS DISTINCT FROM s.quantity`,
});

// An admin may count pieces in before the release, which then puts back fewer, or after it.
const cameBack = within('inventory', {
  name: 'stock/came-back',
  holds: 'Of what was committed and then released everything came back, less what was restocked, and never more.',
  broken: `
    SELECT 'order ' || order_id AS subject,
           format('%s of product %s put back and %s restocked, %s released', coalesce(b.quantity, 0), product_id,
                  coalesce(c.quantity, 0), coalesce(r.quantity, 0)) AS what
    FROM (
      SELECT order_id, product_id, quantity
      FROM reservation JOIN reservation_line USING (order_id) WHERE state = 'released' AND committed_at IS NOT NULL
    ) r
    FULL JOIN (
      SELECT order_id, product_id, sum(quantity) AS quantity
      FROM stock_movement WHERE kind = 'put-back' GROUP BY order_id, product_id
    ) b USING (order_id, product_id)
    LEFT JOIN (
      SELECT order_id, product_id, sum(quantity) AS quantity
      FROM stock_movement WHERE kind = 'restocked' GROUP BY order_id, product_id
    ) c USING (order_id, product_id)
    WHERE b.quantity > coalesce(r.quantity, 0)
       OR coalesce(b.quantity, 0) + greatest(coalesce(c.quantity, 0), 0) < r.quantity`,
});

export const stock: readonly Check[] = [
  withinBounds,
  onHandIsMovements,
  reservedIsHeld,
  oneLiveReservation,
  wholeReservations,
  soldAsCommitted,
  cameBack,
  ordersAndReservations,
];
