import type { Money } from './payment';

export class PaymentNotFound extends Error {
  readonly code = 'payment-not-found';
  constructor(readonly id: string) {
    super(`There is no payment ${id}.`);
  }
}

/** Nothing is left to give back: not captured, or refunded in full already. */
export class PaymentNotRefundable extends Error {
  readonly code = 'payment-not-refundable';
  constructor(
    readonly id: string,
    readonly status: string,
  ) {
    super(`The payment ${id} is ${status}; there is nothing to refund.`);
  }
}

export class AmountExceedsCapture extends Error {
  readonly code = 'amount-exceeds-capture';
  constructor(
    readonly asked: Money,
    readonly left: Money,
  ) {
    super(`${asked.amount} ${asked.currency} is more than the ${left.amount} ${left.currency} left of this payment.`);
  }
}

export class CurrencyMismatch extends Error {
  readonly code = 'currency-mismatch';
  constructor(
    readonly asked: string,
    readonly currency: string,
  ) {
    super(`The payment is in ${currency}, so it cannot be refunded in ${asked}.`);
  }
}
