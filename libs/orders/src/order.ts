import { AmountTooLarge, CurrencyMismatch, UnknownProduct } from './errors';

/** In minor units. */
export interface Money {
  readonly amount: number;
  readonly currency: string;
}

/** A product as orders has heard of it. */
export interface Product {
  readonly id: string;
  readonly sku: string;
  readonly name: string;
  readonly price: Money;
}

export interface OrderLine {
  readonly productId: string;
  readonly quantity: number;
}

/** A line with the name and price that it was ordered at, which stay whatever becomes of the product. */
export interface OrderItem extends OrderLine {
  readonly sku: string;
  readonly name: string;
  readonly unitPrice: Money;
}

export const orderStatuses = ['pending', 'confirmed', 'cancelling', 'cancelled'] as const;
export type OrderStatus = (typeof orderStatuses)[number];

export const cancelReasons = [
  'out-of-stock',
  'payment-declined',
  'timed-out',
  'customer-request',
  'admin-request',
] as const;
export type CancelReason = (typeof cancelReasons)[number];

export interface Order {
  readonly id: string;
  readonly customerId: string;
  /** Null until orders has heard of the customer, and after erasure. */
  readonly customerName: string | null;
  readonly status: OrderStatus;
  readonly cancelReason: CancelReason | null;
  readonly items: readonly OrderItem[];
  readonly total: Money;
  readonly placedAt: Date;
  readonly updatedAt: Date;
}

/** The highest total, in minor units. */
export const MOST = 10 ** 12;

/**
 * Adds up the lines of each product, in the order in which they first appear, and prices them from the catalogue.
 * Throws UnknownProduct, CurrencyMismatch or AmountTooLarge.
 */
export function price(
  lines: readonly OrderLine[],
  catalogue: ReadonlyMap<string, Product>,
): { items: OrderItem[]; total: Money } {
  const quantities = new Map<string, number>();
  for (const { productId, quantity } of lines) quantities.set(productId, (quantities.get(productId) ?? 0) + quantity);

  const unknown = [...quantities.keys()].filter((id) => !catalogue.has(id));
  if (unknown.length > 0) throw new UnknownProduct(unknown);
  const items = [...quantities].map(([productId, quantity]): OrderItem => {
    const { sku, name, price: unitPrice } = catalogue.get(productId) as Product;
    return { productId, sku, name, quantity, unitPrice };
  });

  const [currency, ...others] = new Set(items.map(({ unitPrice }) => unitPrice.currency));
  if (currency === undefined || others.length > 0) throw new CurrencyMismatch([currency ?? '', ...others]);

  let amount = 0;
  for (const { quantity, unitPrice } of items) {
    amount += quantity * unitPrice.amount;
    // Checked on the way, while the sum is still exact.
    if (amount > MOST) throw new AmountTooLarge(MOST);
  }
  return { items, total: { amount, currency } };
}
