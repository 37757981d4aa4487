/** What inventory announces: the wire name of each fact, what it says, and an example of it. */
import { event } from '@banyan/messaging';
import { z } from 'zod';

const price = z.object({ amount: z.int().positive(), currency: z.string() });
const product = z.object({ productId: z.uuid(), sku: z.string(), name: z.string(), price });

const exampleProduct = {
  productId: '01980f2e-7c00-7000-8000-000000000001',
  sku: 'TEA-EARL-GREY',
  name: 'Earl Grey tea, loose leaf, 125 g',
  price: { amount: 650, currency: 'GBP' },
};
const exampleOrderId = '01980f2e-7c00-7000-8000-00000000000a';

export const productListed = event({
  type: 'inventory.product-listed.v1',
  key: ({ productId }) => productId,
  schema: product,
  example: exampleProduct,
});

/** Says all of the product as it is now, not only what changed. */
export const productChanged = event({
  type: 'inventory.product-changed.v1',
  key: ({ productId }) => productId,
  schema: product,
  example: { ...exampleProduct, price: { amount: 695, currency: 'GBP' } },
});

export const stockReserved = event({
  type: 'inventory.stock-reserved.v1',
  key: ({ orderId }) => orderId,
  schema: z.object({ orderId: z.uuid(), reservationId: z.uuid() }),
  example: { orderId: exampleOrderId, reservationId: '01980f2e-7c00-7000-8000-00000000000b' },
});

/** Names every product that was short; none where the order had been released before it asked. */
export const stockRejected = event({
  type: 'inventory.stock-rejected.v1',
  key: ({ orderId }) => orderId,
  schema: z.object({
    orderId: z.uuid(),
    shortages: z.array(
      z.object({ productId: z.uuid(), requested: z.int().positive(), available: z.int().nonnegative() }),
    ),
  }),
  example: {
    orderId: exampleOrderId,
    shortages: [{ productId: exampleProduct.productId, requested: 3, available: 1 }],
  },
});

export const stockCommitted = event({
  type: 'inventory.stock-committed.v1',
  key: ({ orderId }) => orderId,
  schema: z.object({ orderId: z.uuid() }),
  example: { orderId: exampleOrderId },
});

export const stockReleased = event({
  type: 'inventory.stock-released.v1',
  key: ({ orderId }) => orderId,
  schema: z.object({ orderId: z.uuid(), reason: z.string() }),
  example: { orderId: exampleOrderId, reason: 'payment-declined' },
});
