import { z } from 'zod';

/** An id in a path, a query or a body. */
export const idSchema = z.uuid().meta({ examples: ['01997c3e-5c1f-7b52-9e0b-3d2a86a1f0c4'] });

/** Money in minor units: 2550 GBP is £25.50. */
export const moneySchema = z
  .strictObject({
    amount: z.int().meta({ description: 'In minor units: 2550 is 25.50.' }),
    currency: z.string().regex(/^[A-Z]{3}$/, 'Must be an ISO 4217 code.'),
  })
  .meta({ id: 'Money', examples: [{ amount: 2550, currency: 'GBP' }] });
export type Money = z.infer<typeof moneySchema>;

/** A moment, ISO 8601 in UTC. */
export const timeSchema = z.iso.datetime().meta({ examples: ['2026-11-20T12:00:00.000Z'] });

/** The body of every answer that is not a success. */
export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string(),
    code: z.string().meta({ description: 'Stable; listed in docs/errors.md.' }),
    errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  })
  .meta({ id: 'Problem', description: 'RFC 9457 problem details.' });
