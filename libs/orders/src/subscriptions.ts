/** What orders hears, with the fields that it needs. */
import { hears } from '@banyan/messaging';
import { z } from 'zod';

const orderId = '01980f2e-7c00-7000-8000-00000000000a';
const userId = '01980f2e-7c00-7000-8000-00000000000d';
const heard = { subscriber: 'orders', kind: 'event' } as const;
const ofOrder = { ...heard, schema: z.object({ orderId: z.uuid() }), example: { orderId } };

const product = {
  schema: z.object({
    productId: z.uuid(),
    sku: z.string(),
    name: z.string(),
    price: z.object({ amount: z.int(), currency: z.string() }),
  }),
  example: {
    productId: '01980f2e-7c00-7000-8000-000000000001',
    sku: 'TEA-EARL-GREY',
    name: 'Earl Grey tea, loose leaf, 125 g',
    price: { amount: 650, currency: 'GBP' },
  },
};
export const productListed = hears({ ...heard, ...product, type: 'inventory.product-listed.v1' });
export const productChanged = hears({ ...heard, ...product, type: 'inventory.product-changed.v1' });

const customer = {
  schema: z.object({ userId: z.uuid(), name: z.string() }),
  example: { userId, name: 'Ada Lovelace' },
};
export const userRegistered = hears({ ...heard, ...customer, type: 'users.user-registered.v1' });
export const userRenamed = hears({ ...heard, ...customer, type: 'users.user-renamed.v1' });
export const userErased = hears({
  ...heard,
  type: 'users.user-erased.v1',
  schema: z.object({ userId: z.uuid() }),
  example: { userId },
});

export const signingKeyPublished = hears({
  ...heard,
  type: 'users.signing-key-published.v1',
  schema: z.object({
    kid: z.string(),
    publicKey: z.record(z.string(), z.unknown()),
    notBefore: z.iso.datetime(),
    expiresAt: z.iso.datetime(),
  }),
  example: {
    kid: '01980f2e-7c00-7000-8000-00000000000c',
    publicKey: {
      kty: 'EC',
      crv: 'P-256',
      x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
      y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
    },
    notBefore: '2026-11-20T09:00:00.000Z',
    expiresAt: '2026-12-20T09:00:00.000Z',
  },
});

export const stockReserved = hears({ ...ofOrder, type: 'inventory.stock-reserved.v1' });
export const stockRejected = hears({ ...ofOrder, type: 'inventory.stock-rejected.v1' });
export const stockCommitted = hears({ ...ofOrder, type: 'inventory.stock-committed.v1' });
export const stockReleased = hears({ ...ofOrder, type: 'inventory.stock-released.v1' });
export const paymentCaptured = hears({ ...ofOrder, type: 'payments.payment-captured.v1' });
export const paymentDeclined = hears({ ...ofOrder, type: 'payments.payment-declined.v1' });
export const paymentCancelled = hears({ ...ofOrder, type: 'payments.payment-cancelled.v1' });
export const paymentRefunded = hears({ ...ofOrder, type: 'payments.payment-refunded.v1' });

/** What moves an order's fulfilment, or is only recorded in it. */
export const fulfilmentMessages = [
  stockReserved,
  stockRejected,
  stockCommitted,
  stockReleased,
  paymentCaptured,
  paymentDeclined,
  paymentCancelled,
  paymentRefunded,
];
