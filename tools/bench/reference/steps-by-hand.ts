/**
 * A program of the bench: takes orders from placed to fulfilled by hand, the ordinary way: each step a transaction of its
 * own, one statement after another, as many orders at a time as there are workers. Reads and writes what the product does.
 */
import { Client, Pool as DatabasePool } from 'pg';
import { performance } from 'node:perf_hooks';
import { Pool as HttpPool } from 'undici';
import { v7 as uuidv7 } from 'uuid';
import { answerQuestions } from '../answering';
import { place, productsOf, write, type BareOrder } from './placing';
import { sessionOn } from './session';

const PLACED_TOGETHER = 64;
const url = process.env['DATABASE_URL'] as string;
const provider = new HttpPool(process.env['PROVIDER_URL'] as string, { connections: 16 });

answerQuestions({ fulfil });

/** Places orders, and then fulfils them under the clock; answers the seconds that took. */
async function fulfil({ orders, workers, productIds, customerId }: Task): Promise<number> {
  const placed = await placeAll(orders, productIds, customerId);
  const sessions = await Promise.all(Array.from({ length: workers }, () => connect()));
  const queue = placed.values();
  const beganAt = performance.now();
  await Promise.all(
    sessions.map(async (session) => {
      for (const order of queue) await new Steps(session, order).all();
    }),
  );
  const seconds = (performance.now() - beganAt) / 1_000;
  await Promise.all(sessions.map((session) => session.end()));
  return seconds;
}

export interface Task {
  orders: number;
  /** Orders in hand at the same time. */
  workers: number;
  productIds: readonly string[];
  customerId: string;
}

async function placeAll(count: number, productIds: readonly string[], customerId: string): Promise<BareOrder[]> {
  const pool = new DatabasePool(sessionOn(url, 'orders'));
  const products = await productsOf(pool, productIds);
  const orders = Array.from({ length: count }, (_, n) => {
    const items = [0, 7].map((offset, line) => ({
      productId: productIds[(n + offset) % productIds.length] as string,
      quantity: line + 1,
    }));
    return write({ customerId, key: uuidv7(), items, token: 'tok_approved' }, products);
  });
  for (let n = 0; n < count; n += PLACED_TOGETHER) await place(pool, orders.slice(n, n + PLACED_TOGETHER));
  await pool.end();
  return orders;
}

async function connect(): Promise<Client> {
  const session = new Client(sessionOn(url));
  await session.connect();
  return session;
}

/** One order's way, step by step. */
class Steps {
  private readonly id: string;
  private readonly paymentId = uuidv7();

  constructor(
    private readonly session: Client,
    private readonly order: BareOrder,
  ) {
    this.id = order.id;
  }

  async all(): Promise<void> {
    await this.transaction(() => this.reserve());
    await this.transaction(() => this.askForCapture());
    await this.transaction(() => this.storePayment());
    await this.capture();
    await this.transaction(() => this.settle());
    await this.transaction(() => this.confirm());
    await this.transaction(() => this.commitStock());
    await this.transaction(() => this.end());
  }

  private async reserve(): Promise<void> {
    await this.heard('inventory', 'orders', 'inventory.commands', 1);
    await this.run('reservation', 'SELECT state FROM inventory.reservation WHERE order_id = $1 FOR UPDATE', [this.id]);
    await this.lockShelf();
    await this.run(
      'hold',
      `INSERT INTO inventory.reservation (order_id, reservation_id, state, decided_at) VALUES ($1, $2, 'held', now())`,
      [this.id, uuidv7()],
    );
    await this.run(
      'hold-lines',
      `INSERT INTO inventory.reservation_line (order_id, product_id, quantity) SELECT $1, * FROM unnest($2::uuid[], $3::bigint[])`,
      [this.id, ...this.lines()],
    );
    await this.run(
      'reserve',
      `UPDATE inventory.stock s SET reserved = reserved + l.quantity
       FROM unnest($1::uuid[], $2::bigint[]) AS l(product_id, quantity) WHERE s.product_id = l.product_id`,
      this.lines(),
    );
    await this.say('inventory', 'inventory.events', 'inventory.stock-reserved.v1', { reservationId: uuidv7() });
  }

  private async askForCapture(): Promise<void> {
    await this.heard('orders', 'inventory', 'inventory.events', 1);
    await this.step('capturing', new Date(Date.now() + 120_000));
    const { customerId, total } = this.order;
    const asked = { customerId, total, paymentToken: 'tok_approved' };
    await this.say('orders', 'payments.commands', 'payments.capture-payment.v1', asked);
  }

  private async storePayment(): Promise<void> {
    await this.heard('payments', 'orders', 'payments.commands', 1);
    const { customerId, total, correlationId } = this.order;
    await this.run(
      'store-payment',
      `INSERT INTO payments.payment (id, order_id, customer_id, amount, currency, token, cause, provider, ask_again_at)
       VALUES ($1, $2, $3, $4, $5, 'tok_approved', $6, 'simulated', now() + interval '30 seconds')`,
      [this.paymentId, this.id, customerId, total.amount, total.currency, JSON.stringify({ correlationId })],
    );
  }

  private async capture(): Promise<void> {
    const body = JSON.stringify({ ...this.order.total, token: 'tok_approved' });
    const answer = await provider.request({ method: 'PUT', path: `/captures/${this.paymentId}`, body });
    await answer.body.json();
  }

  private async settle(): Promise<void> {
    await this.run(
      'settle',
      `UPDATE payments.payment SET status = 'captured', token = NULL, updated_at = now() WHERE id = $1 AND status = 'pending'`,
      [this.paymentId],
    );
    const told = { paymentId: this.paymentId, total: this.order.total };
    await this.say('payments', 'payments.events', 'payments.payment-captured.v1', told);
  }

  private async confirm(): Promise<void> {
    await this.heard('orders', 'payments', 'payments.events', 1);
    await this.step('committing', null);
    await this.run('confirm', `UPDATE orders."order" SET status = 'confirmed', updated_at = now() WHERE id = $1`, [
      this.id,
    ]);
    await this.say('orders', 'orders.events', 'orders.order-confirmed.v1', {});
    await this.say('orders', 'inventory.commands', 'inventory.commit-stock.v1', {});
    await this.run(
      'forget-token',
      `UPDATE orders.outbox SET data = jsonb_set(data::jsonb, '{paymentToken}', '"spent"', false)::text
       WHERE type = 'payments.capture-payment.v1' AND key = $1`,
      [this.id],
    );
  }

  private async commitStock(): Promise<void> {
    await this.heard('inventory', 'orders', 'inventory.commands', 2);
    await this.run('reservation', 'SELECT state FROM inventory.reservation WHERE order_id = $1 FOR UPDATE', [this.id]);
    await this.lockShelf();
    await this.run(
      'commit',
      `UPDATE inventory.reservation SET state = 'committed', committed_at = now() WHERE order_id = $1`,
      [this.id],
    );
    await this.run(
      'take',
      `UPDATE inventory.stock s SET on_hand = on_hand - l.quantity, reserved = reserved - l.quantity
       FROM unnest($1::uuid[], $2::bigint[]) AS l(product_id, quantity) WHERE s.product_id = l.product_id`,
      this.lines(),
    );
    await this.run(
      'move',
      `INSERT INTO inventory.stock_movement (product_id, kind, quantity, order_id, moved_at)
       SELECT product_id, 'sold', -quantity, $1, now() FROM unnest($2::uuid[], $3::bigint[]) AS l(product_id, quantity)`,
      [this.id, ...this.lines()],
    );
    await this.say('inventory', 'inventory.events', 'inventory.stock-committed.v1', {});
  }

  private async end(): Promise<void> {
    await this.heard('orders', 'inventory', 'inventory.events', 2);
    await this.step('fulfilled', null);
  }

  private async lockShelf(): Promise<void> {
    await this.run(
      'lock-shelf',
      'SELECT product_id, on_hand, reserved FROM inventory.stock WHERE product_id = ANY ($1::uuid[]) ORDER BY product_id FOR UPDATE',
      [this.lines()[0]],
    );
  }

  private async step(phase: string, deadline: Date | null): Promise<void> {
    const key = [this.id];
    await this.run(
      'process',
      `SELECT state FROM orders.process WHERE name = 'order-fulfilment' AND key = $1 FOR UPDATE`,
      key,
    );
    const record = JSON.stringify([{ at: new Date(), way: 'heard', message: phase, id: this.paymentId }]);
    await this.run(
      'step',
      `UPDATE orders.process SET state = state || jsonb_build_object('phase', $2::text), record = record || $3::jsonb, deadline_at = $4,
              ended_at = CASE WHEN $2 = 'fulfilled' THEN now() END
       WHERE name = 'order-fulfilment' AND key = $1`,
      [this.id, phase, record, deadline],
    );
  }

  /** Remembers that a message was handled. By hand nobody would have a position too, for which workers had to queue. */
  private async heard(subscriber: string, source: string, topic: string, sequence: number): Promise<void> {
    await this.run(
      `remember-${subscriber}`,
      `INSERT INTO ${subscriber}.stream_memory (source, topic, key, last_sequence) VALUES ($1, $2, $3, $4)
       ON CONFLICT (source, topic, key) DO UPDATE SET last_sequence = excluded.last_sequence`,
      [source, topic, this.id, sequence],
    );
  }

  /** Puts a message into a module's log. */
  private async say(module: string, topic: string, type: string, data: object): Promise<void> {
    const [{ last_sequence: sequence }] = await this.run(
      `count-${module}`,
      `INSERT INTO ${module}.stream AS s (topic, key, last_sequence) VALUES ($1, $2, 1)
       ON CONFLICT (topic, key) DO UPDATE SET last_sequence = s.last_sequence + 1 RETURNING last_sequence`,
      [topic, this.id],
    );
    await this.run(
      `say-${module}`,
      `INSERT INTO ${module}.outbox (position, day, topic, key, sequence, id, type, subject, time, correlation_id, data)
       VALUES (nextval('${module}.outbox_position'), (now() AT TIME ZONE 'UTC')::date, $1, $2, $3, $4, $5, $2, now(), $6, $7)`,
      [
        topic,
        this.id,
        sequence,
        uuidv7(),
        type,
        this.order.correlationId,
        JSON.stringify({ orderId: this.id, ...data }),
      ],
    );
  }

  private lines(): [string[], number[]] {
    const { items } = this.order;
    return [items.map(({ productId }) => productId), items.map(({ quantity }) => quantity)];
  }

  private async transaction(work: () => Promise<void>): Promise<void> {
    await this.session.query('BEGIN');
    await work();
    await this.session.query('COMMIT');
  }

  private async run(name: string, text: string, values: unknown[]) {
    return (await this.session.query({ name, text, values })).rows;
  }
}
