import type { Client } from 'pg';
import type { Ledger } from './ledger';

/** What a move must not do, and where it did: a line each. */
export interface Findings {
  /** Acknowledged, or sent, and without effect. */
  lost: string[];
  /** With an effect more than once. */
  doubled: string[];
  /** Handled before what stood before it in its stream. */
  outOfOrder: string[];
}

type Database = Pick<Client, 'query'>;

/** Rows of `what` tell what is wrong. */
interface Row {
  what: string;
}

// Each command's answers name it as their cause. A capture that was cancelled before it was tried has none of its own.
const ANSWERS = `
  SELECT c.topic, c.key, c.sequence, c.id, c.type, a.position
  FROM orders.outbox c
  LEFT JOIN (
    SELECT 'inventory.commands' AS topic, causation_id, position FROM inventory.outbox
    UNION ALL
    SELECT 'payments.commands', causation_id, position FROM payments.outbox
  ) a ON a.topic = c.topic AND a.causation_id = c.id::text
  WHERE c.topic LIKE '%.commands'`;

const UNANSWERED = `
  SELECT format('%s %s of %s has no answer', type, id, key) AS what FROM (${ANSWERS}) c
  WHERE position IS NULL AND NOT (type LIKE 'payments.capture-payment.%' AND EXISTS (
    SELECT FROM payments.payment p WHERE p.order_id::text = c.key AND p.status = 'voided'
    UNION ALL SELECT FROM payments.cancellation n WHERE n.order_id::text = c.key AND n.refunded_amount = 0))`;

const ANSWERED_TWICE = `
  SELECT format('%s %s of %s was answered %s times', type, id, key, count(*)) AS what FROM (${ANSWERS}) c
  WHERE position IS NOT NULL GROUP BY type, id, key HAVING count(*) > 1`;

const ANSWERED_LATE = `
  SELECT format('%s %s of %s was answered after what follows it', type, id, key) AS what
  FROM (SELECT *, max(sequence) OVER (PARTITION BY topic, key ORDER BY position) AS highest FROM (${ANSWERS}) c WHERE position IS NOT NULL) c
  WHERE sequence < highest`;

// What a fulfilment has heard, in the order in which it heard it.
const HEARD = `
  SELECT p.key, m.source, m.sequence, m.id, m.type, line.n
  FROM orders.process p
  CROSS JOIN LATERAL jsonb_array_elements(p.record) WITH ORDINALITY AS line(entry, n)
  JOIN (
    SELECT 'inventory' AS source, id, type, sequence FROM inventory.outbox WHERE topic = 'inventory.events'
    UNION ALL SELECT 'payments', id, type, sequence FROM payments.outbox WHERE topic = 'payments.events'
  ) m ON m.id::text = line.entry ->> 'id'
  WHERE line.entry ->> 'way' = 'heard'`;

const HEARD_LATE = `
  SELECT format('%s %s was heard by order %s after what follows it', type, id, key) AS what
  FROM (SELECT *, max(sequence) OVER (PARTITION BY source, key ORDER BY n) AS highest FROM (${HEARD}) h) h
  WHERE sequence < highest`;

const HEARD_TWICE = `
  SELECT format('%s %s was heard by order %s %s times', type, id, key, count(*)) AS what FROM (${HEARD}) h
  GROUP BY type, id, key HAVING count(*) > 1`;

const UNHEARD = `
  SELECT format('%s %s was never heard by order %s', type, id, key) AS what
  FROM (
    SELECT id, key, type FROM inventory.outbox WHERE type LIKE 'inventory.stock-%'
    UNION ALL SELECT id, key, type FROM payments.outbox WHERE topic = 'payments.events'
  ) m
  WHERE NOT EXISTS (SELECT FROM (${HEARD}) h WHERE h.id = m.id)`;

// Copies that orders keeps of what others announce.
const STALE_COPIES = `
  SELECT format('product %s costs %s, and orders has heard of %s', o.id, o.price, coalesce(c.price_amount::text, 'none')) AS what
  FROM inventory.product o LEFT JOIN orders.product c USING (id) WHERE c.price_amount IS DISTINCT FROM o.price
  UNION ALL
  SELECT format('user %s is called %s, and orders has heard of %s', o.id, o.name, coalesce(c.name, 'nobody'))
  FROM users.account o LEFT JOIN orders.customer c USING (id) WHERE c.name IS DISTINCT FROM o.name AND 'customer' = ANY (o.roles)`;

const SAME_KEY = `
  SELECT format('key %s has %s orders', idempotency_key, count(*)) AS what
  FROM orders."order" GROUP BY customer_id, idempotency_key HAVING count(*) > 1`;

/**
 * Compares what the shop has acknowledged and sent with what it did, in a shop that has come to rest. It trusts no memory of
 * the bus: order and number of effects are read from what the modules answered and what fulfilments have heard.
 * @param database a session that may read every module's schema
 */
export async function judge(database: Database, ledger: Ledger): Promise<Findings> {
  const rows = async (...statements: string[]) => {
    const found: string[] = [];
    for (const statement of statements)
      found.push(...(await database.query<Row>(statement)).rows.map(({ what }) => what));
    return found;
  };
  const kept = await keptPromises(database, ledger);
  return {
    lost: [...kept.lost, ...(await rows(UNANSWERED, UNHEARD, STALE_COPIES))],
    doubled: [...kept.doubled, ...(await rows(SAME_KEY, ANSWERED_TWICE, HEARD_TWICE))],
    outOfOrder: await rows(ANSWERED_LATE, HEARD_LATE),
  };
}

/** The longest from an order's placing to its confirmation in ms, of orders whose bank answers at once. */
export async function longestToConfirm(database: Database, ledger: Ledger): Promise<number> {
  const prompt = [...ledger.orders.values()].flatMap(({ id, isPrompt }) => (isPrompt ? [id] : []));
  const { rows } = await database.query<{ ms: number | null }>(
    `SELECT (max(extract(epoch FROM t.at - o.placed_at)) * 1000)::float8 AS ms
     FROM orders."order" o JOIN orders.order_transition t ON t.order_id = o.id AND t.to_status = 'confirmed'
     WHERE o.id = ANY ($1::uuid[])`,
    [prompt],
  );
  return rows[0]?.ms ?? 0;
}

/** What was acknowledged to clients, one by one. */
async function keptPromises(database: Database, ledger: Ledger): Promise<Pick<Findings, 'lost' | 'doubled'>> {
  const lost: string[] = [];
  const doubled: string[] = [];
  const compare = (what: string, promised: number, found: number) => {
    if (found < promised) lost.push(`${what}: ${found} of ${promised}`);
    if (found > promised) doubled.push(`${what}: ${found} instead of ${promised}`);
  };

  const orders = await byKey<{ status: string }>(
    database,
    `SELECT id::text AS key, status FROM orders."order" WHERE id = ANY ($1::uuid[])`,
    [...ledger.orders.values()].map(({ id }) => id),
  );
  for (const [key, { id }] of ledger.orders) {
    const status = orders.get(id)?.status;
    if (status === undefined) lost.push(`order ${id} of ${key} is not there`);
    else if (!['confirmed', 'cancelled'].includes(status)) lost.push(`order ${id} is still ${status}`);
    else if (ledger.cancelled.has(id) && status !== 'cancelled') lost.push(`the cancellation of order ${id}`);
  }

  const refunded = await byKey<{ amount: number }>(
    database,
    `SELECT payment_id::text AS key, sum(amount)::float8 AS amount FROM payments.refund
     WHERE purpose = 'refund' AND status = 'settled' AND payment_id = ANY ($1::uuid[]) GROUP BY payment_id`,
    [...ledger.refunds.keys()],
  );
  for (const [id, amount] of ledger.refunds) compare(`refunds of payment ${id}`, amount, refunded.get(id)?.amount ?? 0);

  const customers = await byKey<{ name: string }>(
    database,
    `SELECT email AS key, name FROM users.account WHERE email = ANY ($1::text[])`,
    [...ledger.customers.keys()],
  );
  for (const [email, name] of ledger.customers) {
    if (customers.get(email)?.name !== name) lost.push(`${email} is called ${customers.get(email)?.name}, not ${name}`);
  }

  const products = await byKey<{ price: number; adjusted: number }>(
    database,
    `SELECT p.id::text AS key, p.price::float8 AS price, coalesce(sum(m.quantity), 0)::float8 AS adjusted
     FROM inventory.product p LEFT JOIN inventory.stock_movement m ON m.product_id = p.id AND m.kind = 'adjusted'
     WHERE p.id = ANY ($1::uuid[]) GROUP BY p.id`,
    [...ledger.products.keys()],
  );
  for (const [id, { price, adjusted }] of ledger.products) {
    const found = products.get(id);
    if (found?.price !== price) lost.push(`product ${id} costs ${found?.price}, not ${price}`);
    compare(`adjustments of product ${id}`, adjusted, found?.adjusted ?? 0);
  }
  return { lost, doubled };
}

async function byKey<Found>(database: Database, sql: string, keys: string[]): Promise<Map<string, Found>> {
  const { rows } = await database.query<Found & { key: string }>(sql, [keys]);
  return new Map(rows.map((row) => [row.key, row]));
}
