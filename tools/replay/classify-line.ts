/** One line of an invoice, as it stands in the file. */
export interface InvoiceLine {
  invoiceNumber: string;
  stockCode: string;
  quantity: string;
  unitPrice: string;
}

export const SKIP_REASONS = ['not-a-product', 'bad-quantity', 'bad-price'] as const;
export type SkipReason = (typeof SKIP_REASONS)[number];

/** What a line means: goods sold, goods that came back, or nothing, and why. Quantities are positive, prices in pence. */
export type Meaning =
  | { kind: 'sold'; sku: string; quantity: number; price: number }
  | { kind: 'returned'; sku: string; quantity: number }
  | { kind: 'skipped'; reason: SkipReason };

/** A quantity or a price that is no number at all. */
export class UnreadableLine extends Error {}

const PRODUCT = /^\d{5}[A-Za-z]{0,2}$/;
// Some exports write whole numbers as 6.0, and prices as 2.550.
const QUANTITY = /^([+-]?\d{1,9})(?:\.0*)?$/;
const PRICE = /^([+-]?)(\d{0,9})(?:\.(\d*))?$/;

/** Throws `UnreadableLine` where a product's quantity or price is no number. */
export function classifyLine(line: InvoiceLine): Meaning {
  if (!PRODUCT.test(line.stockCode)) return { kind: 'skipped', reason: 'not-a-product' };
  const sku = line.stockCode.toUpperCase();
  const quantity = parseQuantity(line.quantity);

  if (isReturn(line.invoiceNumber)) {
    if (quantity >= 0) return { kind: 'skipped', reason: 'bad-quantity' };
    return { kind: 'returned', sku, quantity: -quantity };
  }
  if (quantity <= 0) return { kind: 'skipped', reason: 'bad-quantity' };
  const price = parsePrice(line.unitPrice);
  if (price === undefined || price <= 0) return { kind: 'skipped', reason: 'bad-price' };
  return { kind: 'sold', sku, quantity, price };
}

export function isReturn(invoiceNumber: string): boolean {
  return invoiceNumber.startsWith('C');
}

function parseQuantity(text: string): number {
  const match = QUANTITY.exec(text);
  if (!match) throw new UnreadableLine(`the quantity ${JSON.stringify(text)} is no whole number`);
  return Number(match[1]);
}

/** In pence; undefined where there are more than two decimals. Read as text: 2.675 × 100 is not what it seems. */
function parsePrice(text: string): number | undefined {
  const [matched, sign, pounds = '', decimals = ''] = PRICE.exec(text) ?? [];
  if (!matched || (pounds === '' && decimals === '')) {
    throw new UnreadableLine(`the unit price ${JSON.stringify(text)} is no number`);
  }
  const pence = decimals.replace(/0+$/, '');
  if (pence.length > 2) return undefined;
  const price = Number(pounds) * 100 + Number(pence.padEnd(2, '0'));
  return sign === '-' ? -price : price;
}
