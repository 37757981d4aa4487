import { type Money, type PaymentStatus, refundedOf, statusOf } from './payment';
import type { StoredPayment } from './payments.repository';

/** A payment as callers see it. */
export interface ShownPayment {
  readonly id: string;
  readonly orderId: string;
  readonly amount: Money;
  readonly refunded: Money;
  readonly status: PaymentStatus;
  readonly provider: string;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export function shown(payment: StoredPayment): ShownPayment {
  return {
    id: payment.id,
    orderId: payment.orderId,
    amount: payment.total,
    refunded: refundedOf(payment),
    status: statusOf(payment),
    provider: payment.provider,
    createdAt: payment.createdAt.toISOString(),
    updatedAt: payment.updatedAt.toISOString(),
  };
}
