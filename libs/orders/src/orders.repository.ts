import { type LogPlace, outboxInsert, outboxParameters, type PreparedMessage } from '@banyan/messaging';
import { Database, statement, type Transaction } from '@banyan/persistence';
import { processInsert, type Recorded } from '@banyan/process-manager';
import { Inject, Injectable } from '@nestjs/common';
import { ORDER_FULFILMENT, type Fulfilment } from './order-fulfilment';
import type { CancelReason, Order, OrderItem, OrderStatus, Product } from './order';

/** An order about to be stored, with the fulfilment that begins with it and the messages that tell of it. */
export interface NewOrder {
  id: string;
  customerId: string;
  idempotencyKey: string;
  fingerprint: string;
  items: readonly OrderItem[];
  total: { amount: number; currency: string };
  placedAt: Date;
  answerBy: Date;
  fulfilment: Fulfilment;
  record: readonly Recorded[];
  correlationId: string;
  messages: readonly PreparedMessage[];
}

/** An order as it was answered when it was placed, and for which request. */
export interface PlacedOrder {
  order: Order;
  fingerprint: string;
}

export interface StatusChange {
  id: string;
  status: OrderStatus;
  cancelReason: CancelReason | null;
}

interface OrderRow {
  id: string;
  customer_id: string;
  customer_name: string | null;
  status: OrderStatus;
  cancel_reason: CancelReason | null;
  items: OrderItem[];
  total_amount: number;
  total_currency: string;
  placed_at: Date;
  updated_at: Date;
}

const productsById = statement<{ id: string; sku: string; name: string; price_amount: number; price_currency: string }>(
  'orders.products',
  'SELECT id, sku, name, price_amount, price_currency FROM product WHERE id = ANY($1::uuid[])',
);

// By way of an array, which is gone through faster than a table that a plan without hashes would join.
const PLACED = 'g.id = ANY (ARRAY(SELECT id FROM placed))';

// Orders that a customer has placed before under the same key are left out, and so are their fulfilments and messages.
const placing = statement<{ order_id: string | null; name: string | null } & LogPlace>(
  'orders.place',
  `WITH given AS (
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
      FROM given g WHERE ${PLACED}
    ), ${processInsert(ORDER_FULFILMENT, 'begun')},
    told AS (
      INSERT INTO order_transition (order_id, to_status, at) SELECT g.id, 'pending', g.placed_at FROM given g WHERE ${PLACED}
    ), ${outboxInsert(13, 'm.key = ANY (ARRAY(SELECT id::text FROM placed))')}
    SELECT id AS order_id, name_when_placed AS name, NULL::uuid AS id, NULL::bigint AS position, NULL::bigint AS sequence FROM placed
    UNION ALL
    SELECT NULL, NULL, id, position, sequence FROM logged`,
);

const ORDER = `o.id, o.customer_id, c.name AS customer_name, o.status, o.cancel_reason, o.items, o.total_amount,
               o.total_currency, o.placed_at, o.updated_at`;
const FROM = `FROM "order" o LEFT JOIN customer c ON c.id = o.customer_id`;

const orderById = statement<OrderRow>('orders.by-id', `SELECT ${ORDER} ${FROM} WHERE o.id = $1`);

// As the order was answered then, whatever has become of it.
const orderByKey = statement<OrderRow & { fingerprint: string }>(
  'orders.by-key',
  `SELECT id, customer_id, name_when_placed AS customer_name, 'pending' AS status, NULL AS cancel_reason, items, total_amount,
          total_currency, placed_at, placed_at AS updated_at, fingerprint
   FROM "order" WHERE customer_id = $1 AND idempotency_key = $2`,
);

const changingStatus = statement<never>(
  'orders.change-status',
  `UPDATE "order" o SET status = n.status, cancel_reason = n.cancel_reason, updated_at = $4
   FROM unnest($1::uuid[], $2::text[], $3::text[]) AS n(id, status, cancel_reason) WHERE o.id = n.id`,
);

const recordOf = statement<{ record: Recorded[] }>(
  'orders.record',
  `SELECT record FROM process WHERE name = '${ORDER_FULFILMENT.name}' AND key = $1`,
);

const savingProducts = statement<never>(
  'orders.save-products',
  `INSERT INTO product (id, sku, name, price_amount, price_currency)
   SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::text[]) ORDER BY 1
   ON CONFLICT (id) DO UPDATE SET sku = excluded.sku, name = excluded.name,
     price_amount = excluded.price_amount, price_currency = excluded.price_currency`,
);

const savingCustomers = statement<never>(
  'orders.save-customers',
  `INSERT INTO customer (id, name)
   SELECT n.id, n.name FROM unnest($1::uuid[], $2::text[]) AS n(id, name)
   WHERE NOT EXISTS (SELECT FROM erased_user e WHERE e.user_id = n.id) ORDER BY 1
   ON CONFLICT (id) DO UPDATE SET name = excluded.name`,
);

@Injectable()
export class OrdersRepository {
  constructor(@Inject(Database) private readonly database: Database) {}

  async products(ids: readonly string[]): Promise<Product[]> {
    const rows = await this.database.query(productsById, [ids]);
    return rows.map(({ id, sku, name, price_amount: amount, price_currency: currency }) => ({
      id,
      sku,
      name,
      price: { amount, currency },
    }));
  }

  /**
   * Stores orders together with their fulfilments and messages, in one statement and so in one commit. Answers the
   * customer's name for each order placed (those whose key was used before are missing), and the messages' places.
   */
  async place(orders: readonly NewOrder[]): Promise<{ names: Map<string, string | null>; places: LogPlace[] }> {
    const column = <Value>(of: (order: NewOrder) => Value) => orders.map(of);
    const rows = await this.database.query(placing, [
      column(({ id }) => id),
      column(({ customerId }) => customerId),
      column(({ idempotencyKey }) => idempotencyKey),
      column(({ fingerprint }) => fingerprint),
      column(({ items }) => JSON.stringify(items)),
      column(({ total }) => total.amount),
      column(({ total }) => total.currency),
      column(({ placedAt }) => placedAt),
      column(({ answerBy }) => answerBy),
      column(({ fulfilment }) => JSON.stringify(fulfilment)),
      column(({ record }) => JSON.stringify(record)),
      column(({ correlationId }) => correlationId),
      ...outboxParameters(orders.flatMap(({ messages }) => messages)),
    ]);
    const names = new Map<string, string | null>();
    const places: LogPlace[] = [];
    for (const row of rows) {
      if (row.order_id === null) places.push(row);
      else names.set(row.order_id, row.name);
    }
    return { names, places };
  }

  async placedUnder(customerId: string, idempotencyKey: string): Promise<PlacedOrder | undefined> {
    const [row] = await this.database.query(orderByKey, [customerId, idempotencyKey]);
    return row && { order: orderOf(row), fingerprint: row.fingerprint };
  }

  async find(id: string, tx?: Transaction): Promise<Order | undefined> {
    const [row] = await (tx ?? this.database).query(orderById, [id]);
    return row && orderOf(row);
  }

  /** Newest first, from before `before`. */
  async list(filter: {
    customerId?: string | undefined;
    status?: OrderStatus | undefined;
    before?: string | undefined;
    limit: number;
  }): Promise<Order[]> {
    const values: unknown[] = [];
    const parameter = (value: unknown) => `$${values.push(value)}`;
    const conditions: string[] = [];
    if (filter.customerId !== undefined) conditions.push(`o.customer_id = ${parameter(filter.customerId)}`);
    // Spelled out, since a partial index is only used where the planner can see that its condition holds.
    if (filter.status !== undefined) conditions.push(`o.status = '${filter.status}'`);
    if (filter.before !== undefined) conditions.push(`o.id < ${parameter(filter.before)}`);
    const where = conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : '';
    const sql = `SELECT ${ORDER} ${FROM} ${where} ORDER BY o.id DESC LIMIT ${parameter(filter.limit)}`;
    return (await this.database.query<OrderRow>(sql, values)).map(orderOf);
  }

  async record(orderId: string): Promise<readonly Recorded[]> {
    const [row] = await this.database.query(recordOf, [orderId]);
    return row?.record ?? [];
  }

  changeStatus(tx: Transaction, changes: readonly StatusChange[], at: Date): void {
    if (changes.length === 0) return;
    tx.send(changingStatus, [
      changes.map(({ id }) => id),
      changes.map(({ status }) => status),
      changes.map(({ cancelReason }) => cancelReason),
      at,
    ]);
  }

  async noteCancellation(tx: Transaction, orderId: string, note: string): Promise<void> {
    await tx.query('UPDATE "order" SET cancel_note = $2 WHERE id = $1', [orderId, note]);
  }

  /** Takes over what was heard of products; of several, the last one counts. */
  async saveProducts(tx: Transaction, heard: readonly Product[]): Promise<void> {
    const products = [...new Map(heard.map((product) => [product.id, product])).values()];
    await tx.query(savingProducts, [
      products.map(({ id }) => id),
      products.map(({ sku }) => sku),
      products.map(({ name }) => name),
      products.map(({ price }) => price.amount),
      products.map(({ price }) => price.currency),
    ]);
  }

  /** Takes over what was heard of customers, the erased ones excepted; of several, the last one counts. */
  async saveCustomers(tx: Transaction, heard: readonly { id: string; name: string }[]): Promise<void> {
    const names = new Map(heard.map(({ id, name }) => [id, name]));
    await tx.query(savingCustomers, [[...names.keys()], [...names.values()]]);
  }

  /** Makes an erasure wait for the end of the transaction, so that it finds what the transaction keeps of the customer. */
  async holdCustomer(tx: Transaction, customerId: string): Promise<void> {
    await tx.query('SELECT FROM customer WHERE id = $1 FOR KEY SHARE', [customerId]);
  }

  /** Leaves the customer's orders without anything personal. */
  async forgetCustomer(tx: Transaction, customerId: string): Promise<void> {
    // An order that is just being placed has read the name already, and would bring it back after we have looked. Placing
    // waits here for the few milliseconds of an erasure, so that it need not lock the customer every time.
    await tx.query('LOCK TABLE "order" IN SHARE ROW EXCLUSIVE MODE');
    await tx.query('DELETE FROM customer WHERE id = $1', [customerId]);
    await tx.query(`UPDATE "order" SET name_when_placed = NULL, cancel_note = NULL WHERE customer_id = $1`, [
      customerId,
    ]);
  }
}

function orderOf(row: OrderRow): Order {
  return {
    id: row.id,
    customerId: row.customer_id,
    customerName: row.customer_name,
    status: row.status,
    cancelReason: row.cancel_reason,
    items: row.items,
    total: { amount: row.total_amount, currency: row.total_currency },
    placedAt: row.placed_at,
    updatedAt: row.updated_at,
  };
}
