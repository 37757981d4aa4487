/** What inventory hears, with the fields that it needs. Ids are compared in lower case, as the database writes them. */
import { hears } from '@banyan/messaging';
import { z } from 'zod';

const id = z.uuid().toLowerCase();
const exampleOrderId = '01980f2e-7c00-7000-8000-00000000000a';

export const reserveStock = hears({
  subscriber: 'inventory',
  kind: 'command',
  type: 'inventory.reserve-stock.v1',
  schema: z.object({
    orderId: id,
    lines: z.array(z.object({ productId: id, quantity: z.int().positive() })).min(1),
  }),
  example: {
    orderId: exampleOrderId,
    lines: [{ productId: '01980f2e-7c00-7000-8000-000000000001', quantity: 3 }],
  },
});

export const commitStock = hears({
  subscriber: 'inventory',
  kind: 'command',
  type: 'inventory.commit-stock.v1',
  schema: z.object({ orderId: id }),
  example: { orderId: exampleOrderId },
});

export const releaseStock = hears({
  subscriber: 'inventory',
  kind: 'command',
  type: 'inventory.release-stock.v1',
  schema: z.object({ orderId: id, reason: z.string() }),
  example: { orderId: exampleOrderId, reason: 'payment-declined' },
});

export const signingKeyPublished = hears({
  subscriber: 'inventory',
  kind: 'event',
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

export const userErased = hears({
  subscriber: 'inventory',
  kind: 'event',
  type: 'users.user-erased.v1',
  schema: z.object({ userId: id }),
  example: { userId: '01980f2e-7c00-7000-8000-00000000000d' },
});
