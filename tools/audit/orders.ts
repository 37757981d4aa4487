import { within, type Check } from './check';

const ended = within('orders', {
  name: 'orders/ended',
  holds: 'Every order has ended.',
  broken: `
    SELECT 'order ' || id AS subject, status || ', placed at ' || placed_at AS what
    FROM "order" WHERE status IN ('pending', 'cancelling')`,
});

const transitionsWithoutGap = within('orders', {
  name: 'orders/transitions-without-gap',
  holds: 'Each transition of an order begins where the one before it ended.',
  broken: `
    SELECT 'order ' || order_id AS subject,
           format('from %s to %s, when it was %s', coalesce(from_status, 'nothing'), to_status, coalesce(before, 'not there')) AS what
    FROM (
      SELECT order_id, from_status, to_status, lag(to_status) OVER (PARTITION BY order_id ORDER BY n) AS before
      FROM order_transition
    ) t
    WHERE from_status IS DISTINCT FROM before`,
});

const lawfulTransitions = within('orders', {
  name: 'orders/lawful-transitions',
  holds: 'An order begins as pending, and leaves an end only from confirmed to cancelling.',
  broken: `
    SELECT 'order ' || order_id AS subject, format('from %s to %s', coalesce(from_status, 'nothing'), to_status) AS what
    FROM order_transition
    WHERE (coalesce(from_status, ''), to_status) NOT IN (
      ('', 'pending'), ('pending', 'confirmed'), ('pending', 'cancelling'), ('pending', 'cancelled'),
      ('confirmed', 'cancelling'), ('cancelling', 'cancelled')
    )`,
});

const statusIsLast = within('orders', {
  name: 'orders/status-is-last-transition',
  holds: 'An order is what its last transition made it.',
  broken: `
    SELECT 'order ' || coalesce(o.id, t.order_id) AS subject,
           format('%s, and its last transition was to %s', coalesce(o.status, 'not there'), coalesce(t.to_status, 'nothing')) AS what
    FROM "order" o
    FULL JOIN (
      -- Both descending: that is the index, read backwards.
      SELECT DISTINCT ON (order_id) order_id, to_status FROM order_transition ORDER BY order_id DESC, n DESC
    ) t ON t.order_id = o.id
    WHERE o.status IS DISTINCT FROM t.to_status`,
});

const oneEnd = within('orders', {
  name: 'orders/one-end',
  holds: 'An order ends once, or is confirmed and then cancelled because somebody asked for it.',
  broken: `
    SELECT 'order ' || t.order_id AS subject,
           format('%s times confirmed and %s times cancelled (%s)', confirmed, cancelled, coalesce(o.cancel_reason, 'no reason')) AS what
    FROM (
      SELECT order_id, count(*) FILTER (WHERE to_status = 'confirmed') AS confirmed,
             count(*) FILTER (WHERE to_status = 'cancelled') AS cancelled
      FROM order_transition GROUP BY order_id
    ) t
    JOIN "order" o ON o.id = t.order_id
    WHERE confirmed > 1 OR cancelled > 1
       OR confirmed + cancelled = 2 AND coalesce(o.cancel_reason, '') NOT IN ('customer-request', 'admin-request')`,
});

const FULFILMENT = `
  SELECT key, state ->> 'phase' AS phase, state ->> 'reason' AS reason, ended_at, deadline_at
  FROM process WHERE name = 'order-fulfilment'`;

const processAgrees = within('orders', {
  name: 'orders/process-agrees',
  holds: 'Every order has one fulfilment, which has come as far as the order says, for the same reason.',
  broken: `
    SELECT 'order ' || coalesce(o.id::text, p.key) AS subject,
           format('%s, and its fulfilment is %s', coalesce(o.status || coalesce(' for ' || o.cancel_reason, ''), 'not there'),
                  coalesce(p.phase || coalesce(' for ' || p.reason, ''), 'missing')) AS what
    FROM "order" o FULL JOIN (${FULFILMENT}) p ON p.key = o.id::text
    WHERE o.cancel_reason IS DISTINCT FROM p.reason
       OR o.status IS DISTINCT FROM CASE p.phase
            WHEN 'reserving' THEN 'pending' WHEN 'capturing' THEN 'pending'
            WHEN 'committing' THEN 'confirmed' WHEN 'fulfilled' THEN 'confirmed'
            WHEN 'undoing' THEN 'cancelling' WHEN 'cancelled' THEN 'cancelled'
          END`,
});

const noOpenProcess = within('orders', {
  name: 'orders/no-open-process',
  holds: 'The fulfilment of an order that has ended has ended too, and waits for nothing.',
  broken: `
    SELECT 'order ' || o.id AS subject,
           format('%s, and its fulfilment is open (%s)', o.status, p.phase || coalesce(', until ' || p.deadline_at, '')) AS what
    FROM "order" o JOIN (${FULFILMENT} AND (ended_at IS NULL OR deadline_at IS NOT NULL)) p ON p.key = o.id::text
    WHERE o.status IN ('confirmed', 'cancelled')`,
});

const announced = within('orders', {
  name: 'orders/announced',
  holds: "An order's placing, confirmation and cancellation were announced, once each.",
  broken: `
    SELECT 'order ' || coalesce(t.key, s.key) AS subject,
           format('%s announcements of %s events', coalesce(s.last_sequence, 0), coalesce(t.events, 0)) AS what
    FROM (
      SELECT order_id::text AS key, count(*) AS events
      FROM order_transition WHERE to_status IN ('pending', 'confirmed', 'cancelled') GROUP BY order_id
    ) t
    FULL JOIN (SELECT key, last_sequence FROM stream WHERE topic = 'orders.events') s ON s.key = t.key
    WHERE t.events IS DISTINCT FROM s.last_sequence`,
});

const heardOnce = within('orders', {
  name: 'orders/heard-once',
  holds: 'A fulfilment has heard no message twice.',
  broken: `
    SELECT 'order ' || p.key AS subject, format('heard %s %s %s times', twice.message, twice.id, twice.times) AS what
    FROM process p
    CROSS JOIN LATERAL (
      SELECT e ->> 'id' AS id, min(e ->> 'message') AS message, count(*) AS times
      FROM jsonb_array_elements(p.record) e
      WHERE e ->> 'way' = 'heard' AND e ->> 'id' IS NOT NULL
      GROUP BY e ->> 'id' HAVING count(*) > 1
    ) twice
    WHERE p.name = 'order-fulfilment'`,
});

export const orders: readonly Check[] = [
  ended,
  transitionsWithoutGap,
  lawfulTransitions,
  statusIsLast,
  oneEnd,
  processAgrees,
  noOpenProcess,
  announced,
  heardOnce,
];
