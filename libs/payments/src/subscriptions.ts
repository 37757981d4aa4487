import { hears } from '@banyan/messaging';
import { z } from 'zod';

// Ids are compared in lower case, as the database writes them.
const id = z.uuid().toLowerCase();
const orderId = '0199f6f0-5a3c-7cc2-9d10-3f0a5b7e1c01';

/** Take the money for this order, once. */
export const capturePayment = hears({
  subscriber: 'payments',
  kind: 'command',
  type: 'payments.capture-payment.v1',
  schema: z.object({
    orderId: id,
    customerId: id,
    total: z.object({ amount: z.int().positive(), currency: z.string().regex(/^[A-Z]{3}$/) }),
    paymentToken: z.string(),
  }),
  example: {
    orderId,
    customerId: '0199f6ef-1b2c-7d3e-8f40-516273849505',
    total: { amount: 2550, currency: 'GBP' },
    paymentToken: 'tok_approved',
  },
  secrets: ['paymentToken'],
});

/** Keep no money for this order, and never take any. */
export const cancelPayment = hears({
  subscriber: 'payments',
  kind: 'command',
  type: 'payments.cancel-payment.v1',
  schema: z.object({ orderId: id }),
  example: { orderId },
});

export const signingKeyPublished = hears({
  subscriber: 'payments',
  kind: 'event',
  type: 'users.signing-key-published.v1',
  schema: z.object({
    kid: z.string(),
    publicKey: z.record(z.string(), z.unknown()),
    notBefore: z.iso.datetime(),
    expiresAt: z.iso.datetime(),
  }),
  example: {
    kid: '0199f6e0-0000-7000-8000-00000000000a',
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

export const userErased = hears({
  subscriber: 'payments',
  kind: 'event',
  type: 'users.user-erased.v1',
  schema: z.object({ userId: id }),
  example: { userId: '0199f6ef-1b2c-7d3e-8f40-516273849505' },
});
