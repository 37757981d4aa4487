/** What users announces. Names leave only with the messages that say them; addresses and passwords never do. */
import { event } from '@banyan/messaging';
import { z } from 'zod';

const exampleUserId = '01980f2e-7c00-7000-8000-00000000000d';

export const signingKeyPublished = event({
  type: 'users.signing-key-published.v1',
  key: ({ kid }) => kid,
  schema: z.object({
    kid: z.string(),
    publicKey: z.object({ kty: z.literal('EC'), crv: z.literal('P-256'), x: z.string(), y: z.string() }),
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

export const userRegistered = event({
  type: 'users.user-registered.v1',
  key: ({ userId }) => userId,
  schema: z.object({ userId: z.uuid(), name: z.string() }),
  example: { userId: exampleUserId, name: 'Jane Austen' },
});

export const userRenamed = event({
  type: 'users.user-renamed.v1',
  key: ({ userId }) => userId,
  schema: z.object({ userId: z.uuid(), name: z.string() }),
  example: { userId: exampleUserId, name: 'Jane Bennet' },
});

export const userErased = event({
  type: 'users.user-erased.v1',
  key: ({ userId }) => userId,
  schema: z.object({ userId: z.uuid() }),
  example: { userId: exampleUserId },
});
