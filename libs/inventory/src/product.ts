/** What a product is and how it may change. How many pieces there are of it is told in `stock.ts`. */

/** `amount` in minor units of `currency`, an ISO 4217 code: `{ amount: 2550, currency: 'GBP' }` is £25.50. */
export interface Money {
  readonly amount: number;
  readonly currency: string;
}

export interface Product {
  readonly id: string;
  readonly sku: string;
  readonly name: string;
  readonly price: Money;
  /** When it was listed, or its name or price last changed. Its stock comes and goes without touching it. */
  readonly updatedAt: Date;
}

/** A product as the shop window shows it, which is also how it crosses HTTP. */
export interface ShownProduct {
  readonly id: string;
  readonly sku: string;
  readonly name: string;
  readonly price: Money;
  readonly available: number;
  readonly updatedAt: string;
}

export interface ProductChange {
  readonly name?: string | undefined;
  readonly price?: Money | undefined;
}

/** The product with the change applied; the very same product when the change says nothing new. */
export function change(
  product: Product,
  { name = product.name, price = product.price }: ProductChange,
  at: Date,
): Product {
  const same =
    name === product.name && price.amount === product.price.amount && price.currency === product.price.currency;
  return same ? product : { ...product, name, price, updatedAt: at };
}

export function show({ id, sku, name, price, updatedAt }: Product, available: number): ShownProduct {
  return { id, sku, name, price, available, updatedAt: updatedAt.toISOString() };
}
