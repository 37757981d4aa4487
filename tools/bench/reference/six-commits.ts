/**
 * REF-PG: the rows of an order on its way to being confirmed, as pgbench writes them: one statement and one commit for
 * each of the six hops (placed; stock reserved; capture asked for; payment stored; captured; confirmed).
 */
export function sixCommits(customerId: string, productId: string): string {
  return `\\set n random(1, 1000000000000000)\n${[
    placed(customerId, productId),
    reserved(productId),
    captureAskedFor(),
    paymentStored(customerId),
    captured(),
    confirmed(),
  ]
    .map((statement) => `${statement.replaceAll(/\s+/g, ' ').trim()};`)
    .join('\n')}\n`;
}

const id = (what: string) => `md5('${what}' || (:n)::text)::uuid`;
const ORDER = id('order');
const MONEY = `{"amount":1230,"currency":"GBP"}`;

const placed = (customerId: string, productId: string) => `
  WITH placed AS (
    INSERT INTO orders."order" (id, customer_id, name_when_placed, idempotency_key, fingerprint, status, items,
                                total_amount, total_currency, placed_at, updated_at)
    SELECT ${ORDER}, c.id, c.name, ${ORDER}::text, md5('f') || md5('g'), 'pending',
           '[{"productId":"${productId}","sku":"BENCH-1","name":"Thing no. 1","quantity":1,"unitPrice":{"amount":410,"currency":"GBP"}},
             {"productId":"${productId}","sku":"BENCH-1","name":"Thing no. 1","quantity":2,"unitPrice":{"amount":410,"currency":"GBP"}}]',
           1230, 'GBP', now(), now()
    FROM orders.customer c WHERE c.id = '${customerId}'
  ), begun AS (
    INSERT INTO orders.process (name, key, version, state, record, correlation_id, deadline_at, started_at)
    SELECT 'order-fulfilment', ${ORDER}::text, 1,
           '{"phase":"reserving","orderId":"${customerId}","customerId":"${customerId}","total":${MONEY},"paymentToken":"tok_approved"}',
           '[{"at":"2026-11-20T09:00:00.000Z","way":"sent","message":"orders.order-placed.v1","id":"${customerId}"},
             {"at":"2026-11-20T09:00:00.000Z","way":"sent","message":"inventory.reserve-stock.v1","id":"${customerId}"}]',
           ${ORDER}::text, now() + interval '2 minutes', now()
  ), told AS (
    INSERT INTO orders.order_transition (order_id, to_status, at) SELECT ${ORDER}, 'pending', now()
  ), ${sent('orders', [
    ['orders.events', 'orders.order-placed.v1', 160],
    ['inventory.commands', 'inventory.reserve-stock.v1', 120],
  ])}
  SELECT * FROM logged1, logged2`;

const reserved = (productId: string) => `
  WITH reserved AS (
    INSERT INTO inventory.reservation (order_id, reservation_id, state, decided_at)
    SELECT ${ORDER}, ${id('reservation')}, 'held', now()
  ), lines AS (
    INSERT INTO inventory.reservation_line (order_id, product_id, quantity)
    SELECT ${ORDER}, product, 1 FROM unnest(ARRAY['${productId}'::uuid, ${id('other')}]) AS product
  ), shelf AS (
    UPDATE inventory.stock SET reserved = reserved + 1 WHERE product_id = '${productId}'
  ), ${heard('inventory', 'orders', 'inventory.commands', 1)},
  ${sent('inventory', [['inventory.events', 'inventory.stock-reserved.v1', 120]])}
  SELECT * FROM logged1`;

const captureAskedFor = () => `
  WITH ${stepped('capturing', ["'2 minutes'"])},
  ${heard('orders', 'inventory', 'inventory.events', 1)},
  ${sent('orders', [['payments.commands', 'payments.capture-payment.v1', 200]])}
  SELECT * FROM logged1`;

const paymentStored = (customerId: string) => `
  WITH stored AS (
    INSERT INTO payments.payment (id, order_id, customer_id, amount, currency, token, cause, provider, ask_again_at)
    SELECT ${id('payment')}, ${ORDER}, '${customerId}', 1230, 'GBP', 'tok_approved',
           '{"id":"${customerId}","correlationId":"${customerId}"}', 'simulated', now() + interval '30 seconds'
  ), ${heard('payments', 'orders', 'payments.commands', 1)}
  SELECT 1`;

const captured = () => `
  WITH settled AS (
    UPDATE payments.payment SET status = 'captured', token = NULL, updated_at = now() WHERE id = ${id('payment')}
  ), ${sent('payments', [['payments.events', 'payments.payment-captured.v1', 150]])}
  SELECT * FROM logged1`;

const confirmed = () => `
  WITH ${stepped('committing', [])},
  changed AS (
    UPDATE orders."order" SET status = 'confirmed', updated_at = now() WHERE id = ${ORDER}
  ), ${heard('orders', 'payments', 'payments.events', 1)},
  ${sent('orders', [
    ['orders.events', 'orders.order-confirmed.v1', 60],
    ['inventory.commands', 'inventory.commit-stock.v1', 60],
  ])}
  SELECT * FROM logged1, logged2`;

const stepped = (phase: string, [deadline]: readonly string[]) => `stepped AS (
    UPDATE orders.process SET state = state || '{"phase":"${phase}"}', record = record || '[{"at":"2026-11-20T09:00:00.000Z"}]',
           deadline_at = ${deadline === undefined ? 'NULL' : `now() + interval ${deadline}`}
    WHERE name = 'order-fulfilment' AND key = ${ORDER}::text
  )`;

/** What a subscriber remembers of a message, and its position. */
const heard = (subscriber: string, source: string, topic: string, sequence: number) => `remembered AS (
    INSERT INTO ${subscriber}.stream_memory (source, topic, key, last_sequence) SELECT '${source}', '${topic}', ${ORDER}::text, ${sequence}
    ON CONFLICT (source, topic, key) DO UPDATE SET last_sequence = excluded.last_sequence
  ), moved AS (
    UPDATE ${subscriber}.subscription SET position = position + 1 WHERE source = '${source}'
  )`;

/** Messages put into a module's log: topic, type and how long their content is. */
const sent = (module: string, messages: readonly (readonly [string, string, number])[]) =>
  messages
    .map(
      ([topic, type, length], n) => `counted${n + 1} AS (
    INSERT INTO ${module}.stream AS s (topic, key, last_sequence) SELECT '${topic}', ${ORDER}::text, 1
    ON CONFLICT (topic, key) DO UPDATE SET last_sequence = s.last_sequence + 1 RETURNING last_sequence
  ), logged${n + 1} AS (
    INSERT INTO ${module}.outbox (position, day, topic, key, sequence, id, type, subject, time, correlation_id, traceparent, data)
    SELECT nextval('${module}.outbox_position'), (now() AT TIME ZONE 'UTC')::date, '${topic}', ${ORDER}::text, last_sequence,
           ${id(type)}, '${type}', ${ORDER}::text, now(), ${ORDER}::text, repeat('0', 55), repeat('x', ${length})
    FROM counted${n + 1} RETURNING position
  )`,
    )
    .join(', ');
