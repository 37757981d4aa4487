import { AmountExceedsCapture, CurrencyMismatch, PaymentNotRefundable } from './errors';

/**
 * Terminology
 * - captured: the customer's money was taken; `refunded` is what was given back of it or is set aside to be.
 * - voided: the capture was prevented for good, nothing was taken.
 * - cancelling: a cancellation waits to hear what became of the capture.
 */
export interface Money {
  amount: number;
  currency: string;
}

/** Whose payment of what, and how far it has come. It leaves `pending` once, and none of the others ever. */
export type Payment = Readonly<{
  id: string;
  orderId: string;
  customerId: string;
  total: Money;
  createdAt: Date;
  updatedAt: Date;
}> &
  PaymentState;

export type PaymentState =
  | { state: 'pending'; cancelling: boolean }
  | { state: 'captured'; refunded: number }
  | { state: 'declined'; reason: string }
  | { state: 'voided' };

/** What the provider says became of a capture. */
export type CaptureOutcome = { state: 'captured' } | { state: 'declined'; reason: string } | { state: 'voided' };

export type PaymentStatus = 'pending' | 'captured' | 'declined' | 'refunded' | 'partially-refunded';

/** The status that the outside sees. A prevented capture took no money, and so shows as declined. */
export function statusOf(payment: Pick<Payment, 'total'> & PaymentState): PaymentStatus {
  switch (payment.state) {
    case 'pending':
      return 'pending';
    case 'declined':
    case 'voided':
      return 'declined';
    case 'captured':
      if (payment.refunded === 0) return 'captured';
      return payment.refunded === payment.total.amount ? 'refunded' : 'partially-refunded';
    default:
      return payment satisfies never;
  }
}

/** Given back, or set aside to be. */
export function refundedOf(payment: Pick<Payment, 'total'> & PaymentState): Money {
  return { amount: payment.state === 'captured' ? payment.refunded : 0, currency: payment.total.currency };
}

/**
 * How much an admin's refund takes; the default is the rest. Throws PaymentNotRefundable where nothing is left to give
 * back, AmountExceedsCapture where less is left than asked for, CurrencyMismatch.
 */
export function refundable(payment: Payment, asked: Money | undefined): Money {
  const { currency } = payment.total;
  const left = leftOf(payment);
  if (left === 0) throw new PaymentNotRefundable(payment.id, statusOf(payment));
  if (asked === undefined) return { amount: left, currency };
  if (asked.currency !== currency) throw new CurrencyMismatch(asked.currency, currency);
  if (asked.amount > left) throw new AmountExceedsCapture(asked, { amount: left, currency });
  return asked;
}

/** What a cancellation has to do, by what is known of the payment when it is asked for. */
export type Cancellation =
  { act: 'answer'; refunded: Money } | { act: 'find-out' } | { act: 'give-back'; amount: Money };

// ISO 4217 for "no currency is involved": the capture was never heard of, so neither was its currency.
const NO_MONEY: Money = { amount: 0, currency: 'XXX' };

/** Cancels the payment of an order, or of one whose payment was never asked for. */
export function cancel(payment: (Pick<Payment, 'total'> & PaymentState) | undefined): Cancellation {
  if (payment === undefined) return { act: 'answer', refunded: NO_MONEY };
  if (payment.state === 'pending') return { act: 'find-out' };
  const { currency } = payment.total;
  const amount = leftOf(payment);
  return amount === 0
    ? { act: 'answer', refunded: { amount: 0, currency } }
    : { act: 'give-back', amount: { amount, currency } };
}

function leftOf(payment: Pick<Payment, 'total'> & PaymentState): number {
  return payment.state === 'captured' ? payment.total.amount - payment.refunded : 0;
}
