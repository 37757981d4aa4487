import type { Order } from './order';

/** An order as the API shows it. */
export interface ShownOrder extends Omit<Order, 'placedAt' | 'updatedAt'> {
  readonly placedAt: string;
  readonly updatedAt: string;
}

/** Item by item, so that an order read back from storage has the same bytes as when it was placed. */
export function show(order: Order): ShownOrder {
  return {
    id: order.id,
    customerId: order.customerId,
    customerName: order.customerName,
    status: order.status,
    cancelReason: order.cancelReason,
    items: order.items.map(({ productId, sku, name, quantity, unitPrice }) => ({
      productId,
      sku,
      name,
      quantity,
      unitPrice: { amount: unitPrice.amount, currency: unitPrice.currency },
    })),
    total: order.total,
    placedAt: order.placedAt.toISOString(),
    updatedAt: order.updatedAt.toISOString(),
  };
}
