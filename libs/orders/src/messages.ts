/** What orders announces, and what it asks of inventory and payments. */
import { command, event } from '@banyan/messaging';
import { z } from 'zod';

const money = z.object({ amount: z.int().nonnegative(), currency: z.string() });
const line = z.object({ productId: z.uuid(), quantity: z.int().positive() });
const byOrder = ({ orderId }: { orderId: string }) => orderId;

const orderId = '01980f2e-7c00-7000-8000-00000000000a';
const customerId = '01980f2e-7c00-7000-8000-00000000000d';
const exampleLines = [{ productId: '01980f2e-7c00-7000-8000-000000000001', quantity: 3 }];
const exampleTotal = { amount: 1950, currency: 'GBP' };

export const orderPlaced = event({
  type: 'orders.order-placed.v1',
  key: byOrder,
  schema: z.object({ orderId: z.uuid(), customerId: z.uuid(), lines: z.array(line).min(1), total: money }),
  example: { orderId, customerId, lines: exampleLines, total: exampleTotal },
});

export const orderConfirmed = event({
  type: 'orders.order-confirmed.v1',
  key: byOrder,
  schema: z.object({ orderId: z.uuid() }),
  example: { orderId },
});

export const orderCancelled = event({
  type: 'orders.order-cancelled.v1',
  key: byOrder,
  schema: z.object({ orderId: z.uuid(), reason: z.string() }),
  example: { orderId, reason: 'out-of-stock' },
});

export const reserveStock = command({
  type: 'inventory.reserve-stock.v1',
  key: byOrder,
  schema: z.object({ orderId: z.uuid(), lines: z.array(line).min(1) }),
  example: { orderId, lines: exampleLines },
});

export const commitStock = command({
  type: 'inventory.commit-stock.v1',
  key: byOrder,
  schema: z.object({ orderId: z.uuid() }),
  example: { orderId },
});

export const releaseStock = command({
  type: 'inventory.release-stock.v1',
  key: byOrder,
  schema: z.object({ orderId: z.uuid(), reason: z.string() }),
  example: { orderId, reason: 'payment-declined' },
});

/** Carries the provider's single-use token, which is scrubbed from the log once it is spent. */
export const capturePayment = command({
  type: 'payments.capture-payment.v1',
  key: byOrder,
  schema: z.object({ orderId: z.uuid(), customerId: z.uuid(), total: money, paymentToken: z.string() }),
  example: { orderId, customerId, total: exampleTotal, paymentToken: 'tok_approved' },
});

export const cancelPayment = command({
  type: 'payments.cancel-payment.v1',
  key: byOrder,
  schema: z.object({ orderId: z.uuid(), reason: z.string() }),
  example: { orderId, reason: 'customer-request' },
});
