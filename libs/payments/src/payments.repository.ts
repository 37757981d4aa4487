import { type Cause, type LogPlace, outboxInsert, outboxParameters, type PreparedMessage } from '@banyan/messaging';
import { Database, statement, type Transaction } from '@banyan/persistence';
import { Inject, Injectable } from '@nestjs/common';
import type { CaptureOutcome, Money, Payment, PaymentState } from './payment';

/** How long others leave it to the process that holds a question in memory; after that anybody may ask it. */
const LEASE = `interval '30 seconds'`;

/** A payment as it is asked for by a command, of which it bears the id. */
export interface AskedFor {
  id: string;
  orderId: string;
  customerId: string;
  total: Money;
  token: string;
  cause: Cause;
}

/** A payment whose outcome is not known yet. */
export interface UnsettledCapture {
  id: string;
  orderId: string;
  total: Money;
  token: string;
  cancelling: boolean;
  cause: Cause;
}

/** A refund that is set aside and not known to have been given back yet. */
export interface UnsettledRefund {
  id: string;
  paymentId: string;
  amount: Money;
  cause: Cause;
}

export interface SettledCapture {
  id: string;
  orderId: string;
  total: Money;
  outcome: CaptureOutcome;
  cancelling: boolean;
  cause: Cause;
}

export interface SettledRefund {
  id: string;
  paymentId: string;
  orderId: string;
  amount: Money;
  /** Captured and not given back, after this refund. */
  remaining: Money;
  purpose: RefundPurpose;
  cause: Cause;
}

/** `refunded` is null until the cancellation is answered. */
export interface CancellationOfOrder {
  orderId: string;
  askedBy: string[];
  refunded: Money | null;
  cause: Cause;
}

export type RefundPurpose = 'refund' | 'cancellation';

interface PaymentRow {
  id: string;
  order_id: string;
  customer_id: string;
  amount: number;
  currency: string;
  provider: string;
  status: PaymentState['state'];
  decline_reason: string | null;
  cancelling: boolean;
  refunded: number;
  created_at: Date;
  updated_at: Date;
}

interface CancellationRow {
  order_id: string;
  asked_by: string[];
  refunded_amount: number | null;
  refunded_currency: string | null;
  cause: Cause;
}

const PAYMENT = `id, order_id, customer_id, amount, currency, provider, status, decline_reason, cancelling, refunded,
  created_at, updated_at`;
const CANCELLATION = 'order_id, asked_by::text[], refunded_amount, refunded_currency, cause';

const store = statement<{ id: string }>(
  'payments.store',
  `INSERT INTO payment (id, order_id, customer_id, amount, currency, token, cause, provider, ask_again_at)
   SELECT asked.id, order_id, customer_id, amount, currency, token, asked.cause, $8, now() + ${LEASE}
   FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::text[], $6::text[], $7::jsonb[])
     AS asked (id, order_id, customer_id, amount, currency, token, cause)
   WHERE NOT EXISTS (SELECT FROM cancellation WHERE cancellation.order_id = asked.order_id)
   ORDER BY order_id
   ON CONFLICT DO NOTHING
   RETURNING id`,
);

/**
 * The part of a statement that settles those of the payments ($1 ids, $2 states, $3 reasons) that are pending and of which
 * `where` holds: common table expressions, the last of which, `settled`, has their rows.
 */
// A payment has its token as long as it is pending. Asked for by its status, each would be searched among all that are.
const settling = (where: string) => `unsettled AS (
     SELECT pending.id, found.status, found.reason
     FROM (SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[]) AS found (id, status, reason) ORDER BY id) found,
       LATERAL (SELECT id FROM payment WHERE payment.id = found.id AND token IS NOT NULL AND ${where} FOR UPDATE) pending
   ), settled AS (
     UPDATE payment
     SET status = unsettled.status, decline_reason = unsettled.reason, token = NULL, updated_at = now()
     FROM unsettled
     WHERE payment.id = unsettled.id AND token IS NOT NULL
     RETURNING payment.id, order_id, amount, currency, payment.status, decline_reason, cancelling, cause
   )`;

// Most outcomes: what is to be told is known beforehand, unless somebody has cancelled meanwhile.
const settleAndTell = statement<{ settled: string | null } & LogPlace>(
  'payments.settle-and-tell',
  `WITH ${settling('NOT cancelling')}, ${outboxInsert(4, 'm.key = ANY (ARRAY(SELECT order_id::text FROM settled))')}
   SELECT id AS settled, NULL::uuid AS id, NULL::bigint AS position, NULL::bigint AS sequence FROM settled
   UNION ALL
   SELECT NULL, id, position, sequence FROM logged`,
);

const settleCaptures = statement<{
  id: string;
  order_id: string;
  amount: number;
  currency: string;
  status: CaptureOutcome['state'];
  decline_reason: string | null;
  cancelling: boolean;
  cause: Cause;
}>('payments.settle-captures', `WITH ${settling('true')} SELECT * FROM settled`);

const dueCaptures = statement<{
  id: string;
  order_id: string;
  amount: number;
  currency: string;
  token: string;
  cancelling: boolean;
  cause: Cause;
}>(
  'payments.due-captures',
  `UPDATE payment SET ask_again_at = now() + ${LEASE}
   WHERE id IN (
     SELECT id FROM payment WHERE status = 'pending' AND ask_again_at <= $1
     ORDER BY ask_again_at LIMIT $2 FOR UPDATE SKIP LOCKED
   )
   RETURNING id, order_id, amount, currency, token, cancelling, cause`,
);

const dueRefunds = statement<{ id: string; payment_id: string; amount: number; currency: string; cause: Cause }>(
  'payments.due-refunds',
  `UPDATE refund SET ask_again_at = now() + ${LEASE}
   FROM payment
   WHERE payment.id = payment_id AND refund.id IN (
     SELECT id FROM refund WHERE status = 'pending' AND ask_again_at <= $1
     ORDER BY ask_again_at LIMIT $2 FOR UPDATE SKIP LOCKED
   )
   RETURNING refund.id, payment_id, refund.amount, currency, refund.cause`,
);

const letGoCaptures = statement<never>(
  'payments.let-go-captures',
  `UPDATE payment SET ask_again_at = now() WHERE id = ANY ($1::uuid[]) AND status = 'pending'`,
);

const letGoRefunds = statement<never>(
  'payments.let-go-refunds',
  `UPDATE refund SET ask_again_at = now() WHERE id = ANY ($1::uuid[]) AND status = 'pending'`,
);

const clock = statement<{ now: Date; lease_end: Date }>(
  'payments.clock',
  `SELECT now(), now() + ${LEASE} AS lease_end`,
);

const setAside = statement<{ created_at: Date }>(
  'payments.set-aside',
  `WITH promised AS (
     UPDATE payment SET refunded = refunded + $3, updated_at = now() WHERE id = $2 RETURNING id
   )
   INSERT INTO refund (id, payment_id, amount, purpose, cause, ask_again_at)
   SELECT $1, promised.id, $3, $4, $5, now() + ${LEASE} FROM promised
   RETURNING created_at`,
);

const settleRefund = statement<{
  payment_id: string;
  order_id: string;
  amount: number;
  remaining: number;
  currency: string;
  purpose: RefundPurpose;
  cause: Cause;
}>(
  'payments.settle-refund',
  `WITH settled AS (
     UPDATE refund SET status = 'settled', settled_at = now() WHERE id = $1 AND status = 'pending'
     RETURNING payment_id, amount, purpose, cause
   )
   UPDATE payment SET given_back = given_back + settled.amount
   FROM settled
   WHERE payment.id = settled.payment_id
   RETURNING payment.id AS payment_id, order_id, settled.amount, payment.amount - given_back AS remaining, currency,
     purpose, settled.cause`,
);

const lockPayment = statement<PaymentRow>('payments.lock', `SELECT ${PAYMENT} FROM payment WHERE id = $1 FOR UPDATE`);

const lockPaymentsOfOrders = statement<PaymentRow>(
  'payments.lock-of-orders',
  `SELECT ${PAYMENT} FROM payment WHERE order_id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE`,
);

const lockCancellations = statement<CancellationRow>(
  'payments.lock-cancellations',
  `SELECT ${CANCELLATION} FROM cancellation WHERE order_id = ANY ($1::uuid[]) ORDER BY order_id FOR UPDATE`,
);

const addCancellation = statement<never>(
  'payments.add-cancellation',
  `INSERT INTO cancellation (order_id, asked_by, cause, refunded_amount, refunded_currency, answered_at)
   VALUES ($1, $2, $3, $4, $5, CASE WHEN $4::bigint IS NOT NULL THEN now() END)`,
);

const askedAgain = statement<never>(
  'payments.cancellation-asked-again',
  'UPDATE cancellation SET asked_by = asked_by || $2::uuid WHERE order_id = $1',
);

const awaitOutcome = statement<{ token: string; cause: Cause }>(
  'payments.await-outcome',
  'UPDATE payment SET cancelling = true WHERE id = $1 RETURNING token, cause',
);

const answerCancellation = statement<CancellationRow>(
  'payments.answer-cancellation',
  `UPDATE cancellation SET refunded_amount = $2, refunded_currency = $3, answered_at = now()
   WHERE order_id = $1 AND answered_at IS NULL
   RETURNING ${CANCELLATION}`,
);

const byId = statement<PaymentRow>('payments.by-id', `SELECT ${PAYMENT} FROM payment WHERE id = $1`);
const byOrder = statement<PaymentRow>('payments.by-order', `SELECT ${PAYMENT} FROM payment WHERE order_id = $1`);

export type StoredPayment = Payment & { readonly provider: string };

@Injectable()
export class Payments {
  constructor(@Inject(Database) private readonly database: Database) {}

  /**
   * Stores what is asked for as pending. Passes over what is stored already and what was cancelled before it came; the rest
   * is handed to `onStored` once that has committed.
   */
  store(tx: Transaction, asked: AskedFor[], provider: string, onStored: (unsettled: UnsettledCapture[]) => void): void {
    const ids = new Set<string>();
    const values = [
      asked.map(({ id }) => id),
      asked.map(({ orderId }) => orderId),
      asked.map(({ customerId }) => customerId),
      asked.map(({ total }) => total.amount),
      asked.map(({ total }) => total.currency),
      asked.map(({ token }) => token),
      asked.map(({ cause }) => JSON.stringify(cause)),
      provider,
    ];
    tx.send(store, values, (rows) => rows.forEach(({ id }) => ids.add(id)));
    tx.afterCommit(() =>
      onStored(
        asked
          .filter(({ id }) => ids.has(id))
          .map(({ id, orderId, total, token, cause }) => ({ id, orderId, total, token, cancelling: false, cause })),
      ),
    );
  }

  /**
   * Writes down what became of pending payments that nobody cancels, and puts the messages of those into the log, in a
   * transaction of its own. Answers their ids, and the messages' places.
   */
  async settleAndTell(
    found: { id: string; outcome: CaptureOutcome }[],
    messages: readonly PreparedMessage[],
  ): Promise<{ settled: Set<string>; places: LogPlace[] }> {
    const rows = await this.database.query(settleAndTell, [...outcomeColumns(found), ...outboxParameters(messages)]);
    return {
      settled: new Set(rows.flatMap(({ settled }) => settled ?? [])),
      places: rows.filter(({ settled }) => settled === null),
    };
  }

  /** Writes down what became of pending payments; answers those that were pending until now. */
  async settle(tx: Transaction, found: { id: string; outcome: CaptureOutcome }[]): Promise<SettledCapture[]> {
    const rows = await tx.query(settleCaptures, outcomeColumns(found));
    return rows.map((row) => ({
      id: row.id,
      orderId: row.order_id,
      total: { amount: row.amount, currency: row.currency },
      outcome: row.status === 'declined' ? { state: 'declined', reason: row.decline_reason! } : { state: row.status },
      cancelling: row.cancelling,
      cause: row.cause,
    }));
  }

  /** Promises part of a capture to be given back. The caller has locked the payment and seen that so much is left. */
  async setAside(tx: Transaction, refund: UnsettledRefund, purpose: RefundPurpose): Promise<Date> {
    const { id, paymentId, amount, cause } = refund;
    const [row] = await tx.query(setAside, [id, paymentId, amount.amount, purpose, JSON.stringify(cause)]);
    return row!.created_at;
  }

  /** Writes down that a refund took place; undefined where that was known. */
  async settleRefund(tx: Transaction, id: string): Promise<SettledRefund | undefined> {
    const [row] = await tx.query(settleRefund, [id]);
    return (
      row && {
        id,
        paymentId: row.payment_id,
        orderId: row.order_id,
        amount: { amount: row.amount, currency: row.currency },
        remaining: { amount: row.remaining, currency: row.currency },
        purpose: row.purpose,
        cause: row.cause,
      }
    );
  }

  /** Takes over unsettled payments that were left alone until `due`, the oldest first. */
  async dueCaptures(due: Date, limit: number): Promise<UnsettledCapture[]> {
    const rows = await this.database.query(dueCaptures, [due, limit]);
    return rows.map(({ id, order_id: orderId, amount, currency, token, cancelling, cause }) => ({
      id,
      orderId,
      total: { amount, currency },
      token,
      cancelling,
      cause,
    }));
  }

  /** Takes over unsettled refunds that were left alone until `due`, the oldest first. */
  async dueRefunds(due: Date, limit: number): Promise<UnsettledRefund[]> {
    const rows = await this.database.query(dueRefunds, [due, limit]);
    return rows.map(({ id, payment_id, amount, currency, cause }) => ({
      id,
      paymentId: payment_id,
      amount: { amount, currency },
      cause,
    }));
  }

  /** Leaves captures and refunds to whoever looks next, instead of keeping them to the end of the lease. */
  async letGo(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    await this.database.query(letGoCaptures, [ids]);
    await this.database.query(letGoRefunds, [ids]);
  }

  /** The database's time, and when by it everything that is unsettled now will be due. */
  async clock(): Promise<{ now: Date; leaseEnd: Date }> {
    const [row] = await this.database.query(clock);
    return { now: row!.now, leaseEnd: row!.lease_end };
  }

  /** Keeps everybody else from changing the payment until the transaction ends. */
  async lock(tx: Transaction, id: string): Promise<Payment | undefined> {
    const [row] = await tx.query(lockPayment, [id]);
    return row && paymentOf(row);
  }

  /** The same for the payments of these orders, by order. */
  async lockOfOrders(tx: Transaction, orderIds: string[]): Promise<Map<string, Payment>> {
    const rows = await tx.query(lockPaymentsOfOrders, [orderIds]);
    return new Map(rows.map((row) => [row.order_id, paymentOf(row)]));
  }

  /** The cancellations of these orders, by order, kept from changing until the transaction ends. */
  async lockCancellations(tx: Transaction, orderIds: string[]): Promise<Map<string, CancellationOfOrder>> {
    const rows = await tx.query(lockCancellations, [orderIds]);
    return new Map(rows.map((row) => [row.order_id, cancellationOf(row)]));
  }

  async addCancellation(tx: Transaction, cancellation: CancellationOfOrder): Promise<void> {
    const { orderId, askedBy, cause, refunded } = cancellation;
    const values = [orderId, askedBy, JSON.stringify(cause), refunded?.amount ?? null, refunded?.currency ?? null];
    await tx.query(addCancellation, values);
  }

  /** Another command asks for a cancellation that was asked for before. */
  async askedAgain(tx: Transaction, orderId: string, commandId: string): Promise<void> {
    await tx.query(askedAgain, [orderId, commandId]);
  }

  /** From now on the outcome of this pending payment belongs to its cancellation. */
  async awaitOutcome(tx: Transaction, { id, orderId, total }: Payment): Promise<UnsettledCapture> {
    const [row] = await tx.query(awaitOutcome, [id]);
    return { id, orderId, total, token: row!.token, cancelling: true, cause: row!.cause };
  }

  /** Writes down how a cancellation ended; undefined where that was known. */
  async answerCancellation(
    tx: Transaction,
    orderId: string,
    refunded: Money,
  ): Promise<CancellationOfOrder | undefined> {
    const [row] = await tx.query(answerCancellation, [orderId, refunded.amount, refunded.currency]);
    return row && cancellationOf(row);
  }

  async byId(id: string): Promise<StoredPayment | undefined> {
    const [row] = await this.database.query(byId, [id]);
    return row && { ...paymentOf(row), provider: row.provider };
  }

  async byOrder(orderId: string): Promise<StoredPayment[]> {
    const rows = await this.database.query(byOrder, [orderId]);
    return rows.map((row) => ({ ...paymentOf(row), provider: row.provider }));
  }
}

function outcomeColumns(found: readonly { id: string; outcome: CaptureOutcome }[]): unknown[][] {
  return [
    found.map(({ id }) => id),
    found.map(({ outcome }) => outcome.state),
    found.map(({ outcome }) => (outcome.state === 'declined' ? outcome.reason : null)),
  ];
}

function paymentOf(row: PaymentRow): Payment {
  return {
    id: row.id,
    orderId: row.order_id,
    customerId: row.customer_id,
    total: { amount: row.amount, currency: row.currency },
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    ...stateOf(row),
  };
}

function stateOf(row: PaymentRow): PaymentState {
  switch (row.status) {
    case 'pending':
      return { state: 'pending', cancelling: row.cancelling };
    case 'captured':
      return { state: 'captured', refunded: row.refunded };
    case 'declined':
      return { state: 'declined', reason: row.decline_reason! };
    case 'voided':
      return { state: 'voided' };
    default:
      return row.status satisfies never;
  }
}

function cancellationOf(row: CancellationRow): CancellationOfOrder {
  return {
    orderId: row.order_id,
    askedBy: row.asked_by,
    refunded: row.refunded_amount === null ? null : { amount: row.refunded_amount, currency: row.refunded_currency! },
    cause: row.cause,
  };
}
