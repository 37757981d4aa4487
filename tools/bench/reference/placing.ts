import { outboxInsert, outboxParameters, type PreparedMessage } from '@banyan/messaging';
import { processInsert } from '@banyan/process-manager';
import type { Pool } from 'pg';
import { v7 as uuidv7 } from 'uuid';

/*
 * Placing an order with nothing around it: the SQL that the product runs for `POST /orders`, and what has to be in it,
 * without permission, validation, errors, logs or metrics.
 */

interface ProductRow {
  id: string;
  sku: string;
  name: string;
  price_amount: number;
  price_currency: string;
}

export interface Wish {
  customerId: string;
  key: string;
  items: readonly { productId: string; quantity: number }[];
  token: string;
}

export type BareOrder = ReturnType<typeof write>;

const PRODUCTS = 'SELECT id, sku, name, price_amount, price_currency FROM product WHERE id = ANY($1::uuid[])';

const PLACE = `WITH given AS (
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::jsonb[], $6::bigint[], $7::text[],
                         $8::timestamptz[], $9::timestamptz[], $10::jsonb[], $11::jsonb[], $12::text[])
      AS g(id, customer_id, key, fingerprint, items, amount, currency, placed_at, answer_by, fulfilment, record, correlation_id)
  ), placed AS (
    INSERT INTO "order" (id, customer_id, name_when_placed, idempotency_key, fingerprint, status, items,
                         total_amount, total_currency, placed_at, updated_at)
    SELECT g.id, g.customer_id, c.name, g.key, g.fingerprint, 'pending', g.items, g.amount, g.currency, g.placed_at, g.placed_at
    FROM given g LEFT JOIN customer c ON c.id = g.customer_id
    ORDER BY g.customer_id, g.key
    ON CONFLICT ON CONSTRAINT order_idempotency_key DO NOTHING
    RETURNING id, name_when_placed
  ), begun AS (
    SELECT g.id::text AS key, g.fulfilment AS state, g.record, g.correlation_id, g.answer_by AS deadline_at, g.placed_at AS started_at
    FROM given g WHERE g.id = ANY (ARRAY(SELECT id FROM placed))
  ), ${processInsert({ name: 'order-fulfilment', version: 1 }, 'begun')},
  told AS (
    INSERT INTO order_transition (order_id, to_status, at) SELECT g.id, 'pending', g.placed_at FROM given g
    WHERE g.id = ANY (ARRAY(SELECT id FROM placed))
  ), ${outboxInsert(13, 'm.key = ANY (ARRAY(SELECT id::text FROM placed))')}
  SELECT id AS order_id, name_when_placed AS name, NULL::uuid AS id, NULL::bigint AS position, NULL::bigint AS sequence FROM placed
  UNION ALL
  SELECT NULL, NULL, id, position, sequence FROM logged`;

const FINGERPRINT = 'a fingerprint as long as a real one is, 43';
const DEADLINE_MS = 120_000;

/** The products of these ids, by id. */
export async function productsOf(pool: Pool, ids: readonly string[]): Promise<Map<string, ProductRow>> {
  const { rows } = await pool.query<ProductRow>({ name: 'products', text: PRODUCTS, values: [[...new Set(ids)]] });
  return new Map(rows.map((row) => [row.id, row]));
}

/** An order as it will be stored and answered, with its fulfilment and its messages. */
export function write({ customerId, key, items, token }: Wish, products: ReadonlyMap<string, ProductRow>) {
  const id = uuidv7();
  const placedAt = new Date();
  const priced = items.map(({ productId, quantity }) => {
    const { sku, name, price_amount: amount, price_currency: currency } = products.get(productId) as ProductRow;
    return { productId, sku, name, quantity, unitPrice: { amount, currency } };
  });
  const amount = priced.reduce((sum, { quantity, unitPrice }) => sum + quantity * unitPrice.amount, 0);
  const total = { amount, currency: 'GBP' };
  const lines = items.map(({ productId, quantity }) => ({ productId, quantity }));
  const correlationId = uuidv7();
  const said = (topic: string, type: string, data: object): PreparedMessage => ({
    ...{ topic, type, key: id, subject: id, id: uuidv7(), time: placedAt, correlationId, data: JSON.stringify(data) },
    ...{ causationId: null, traceparent: null, tracestate: null, behind: 0 },
  });
  const messages = [
    said('orders.events', 'orders.order-placed.v1', { orderId: id, customerId, lines, total }),
    said('inventory.commands', 'inventory.reserve-stock.v1', { orderId: id, lines }),
  ];
  const fulfilment = { orderId: id, customerId, total, phase: 'reserving', paymentToken: token };
  const record = messages.map(({ time, type, id: message }) => ({ at: time, way: 'sent', message: type, id: message }));
  return { id, customerId, key, items: priced, total, placedAt, correlationId, fulfilment, record, messages };
}

/** Stores orders in one statement and one commit. */
export async function place(pool: Pool, orders: readonly BareOrder[]): Promise<void> {
  await pool.query({
    name: 'place',
    text: PLACE,
    values: [
      orders.map(({ id }) => id),
      orders.map(({ customerId }) => customerId),
      orders.map(({ key }) => key),
      orders.map(() => FINGERPRINT),
      orders.map(({ items }) => JSON.stringify(items)),
      orders.map(({ total }) => total.amount),
      orders.map(({ total }) => total.currency),
      orders.map(({ placedAt }) => placedAt),
      orders.map(({ placedAt }) => new Date(placedAt.getTime() + DEADLINE_MS)),
      orders.map(({ fulfilment }) => JSON.stringify(fulfilment)),
      orders.map(({ record }) => JSON.stringify(record)),
      orders.map(({ correlationId }) => correlationId),
      ...outboxParameters(orders.flatMap(({ messages }) => messages)),
    ],
  });
}
