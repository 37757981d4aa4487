import type { Announcer } from '@banyan/messaging';
import { statement } from '@banyan/persistence';
import { productChanged } from './messages';

// Shared with other readers, but no price may change before the old one is announced.
const page = statement<{ id: string; sku: string; name: string; amount: number; currency: string }>(
  'inventory.products-to-announce',
  `SELECT id, sku, name, price AS amount, currency FROM product
    WHERE $1::uuid IS NULL OR id > $1 ORDER BY id LIMIT $2 FOR SHARE`,
);

/** Says all of every product as it is now, as if each had just changed. */
export const announceProducts: Announcer = {
  of: 'products',
  page: async (tx, after, limit) =>
    (await tx.query(page, [after, limit])).map(({ id, sku, name, amount, currency }) => ({
      cursor: id,
      message: productChanged({ productId: id, sku, name, price: { amount, currency } }),
    })),
};
