import { event } from '@banyan/messaging';
import { z } from 'zod';

const money = z.object({ amount: z.int().min(0), currency: z.string().regex(/^[A-Z]{3}$/) });

const orderId = '0199f6f0-5a3c-7cc2-9d10-3f0a5b7e1c01';
const paymentId = '0199f6f0-5b10-7a44-8e21-6c1d2e3f4a02';
const byOrder = (data: { orderId: string }) => data.orderId;

/** The customer's money was taken. */
export const paymentCaptured = event({
  type: 'payments.payment-captured.v1',
  key: byOrder,
  schema: z.object({ orderId: z.uuid(), paymentId: z.uuid(), total: money }),
  example: { orderId, paymentId, total: { amount: 2550, currency: 'GBP' } },
});

/** The provider refused to take the money, for good. `reason` is the provider's word for why. */
export const paymentDeclined = event({
  type: 'payments.payment-declined.v1',
  key: byOrder,
  schema: z.object({ orderId: z.uuid(), reason: z.string() }),
  example: { orderId, reason: 'card-declined' },
});

/**
 * Answers cancel-payment: no money of the order is kept, or ever will be. `refunded` is what this cancellation gave back;
 * 0 where nothing was left or nothing was taken, in the currency XXX where no capture was ever asked for.
 */
export const paymentCancelled = event({
  type: 'payments.payment-cancelled.v1',
  key: byOrder,
  schema: z.object({ orderId: z.uuid(), refunded: money }),
  example: { orderId, refunded: { amount: 2550, currency: 'GBP' } },
});

/** A refund that an admin asked for was given back; `remaining` is what is left of the capture. */
export const paymentRefunded = event({
  type: 'payments.payment-refunded.v1',
  key: byOrder,
  schema: z.object({ orderId: z.uuid(), paymentId: z.uuid(), refundId: z.uuid(), amount: money, remaining: money }),
  example: {
    orderId,
    paymentId,
    refundId: '0199f6f0-6c20-7b55-9f32-7d2e3f405b03',
    amount: { amount: 550, currency: 'GBP' },
    remaining: { amount: 2000, currency: 'GBP' },
  },
});
