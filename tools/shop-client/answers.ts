import { z } from 'zod';

// Only the fields that the tools read; the shop may answer more.

const money = z.object({ amount: z.int(), currency: z.string() });

export const tokens = z.object({ accessToken: z.string(), expiresIn: z.number(), refreshToken: z.string() });

export const product = z.object({ id: z.string(), sku: z.string(), name: z.string(), price: money });

export const order = z.object({
  id: z.string(),
  customerId: z.string(),
  status: z.string(),
  cancelReason: z.string().nullish(),
  total: money,
});

export const payment = z.object({
  id: z.string(),
  orderId: z.string(),
  amount: money,
  refunded: money,
  status: z.string(),
});

/** One page of a list, and where the next one begins. */
export const pageOf = <Item extends z.ZodType>(item: Item) =>
  z.object({ items: z.array(item), nextCursor: z.string().nullable() });

/** Minor units (pence), and an ISO 4217 currency. */
export type Money = z.infer<typeof money>;
export type Tokens = z.infer<typeof tokens>;
export type Product = z.infer<typeof product>;
export type Order = z.infer<typeof order>;
export type Payment = z.infer<typeof payment>;
export interface Page<Item> {
  items: Item[];
  nextCursor: string | null;
}
