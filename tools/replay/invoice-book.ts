import { classifyLine, SKIP_REASONS, type InvoiceLine, type SkipReason } from './classify-line';
import { GrowingColumn } from './growing-column';

/** A line as it is entered: what it says, whose it is, and how the goods are called. */
export interface BookedLine extends InvoiceLine {
  description: string;
  /** Empty for the walk-in customer. */
  customer: string;
}

/** A product that lines speak of. `price` is in pence and `null` until a line of it was kept. */
export interface BookedProduct {
  sku: string;
  name: string;
  price: number | null;
}

/**
 * Everything that was read, in input order. Invoices, customers and products are numbered as they turn up; a line that
 * means something is three numbers, whose quantity is negative for goods that came back.
 */
export class InvoiceBook {
  readonly invoiceNumbers: string[] = [];
  /** By customer number; the walk-in customer's is empty. */
  readonly customers: string[] = [];
  readonly products: BookedProduct[] = [];
  /** By invoice: the customer of its first line. */
  readonly customerOf = new GrowingColumn();
  readonly lines = {
    invoice: new GrowingColumn(),
    product: new GrowingColumn(),
    quantity: new GrowingColumn(),
  };
  read = 0;
  kept = 0;
  readonly skipped = Object.fromEntries(SKIP_REASONS.map((reason) => [reason, 0])) as Record<SkipReason, number>;

  private readonly invoiceIndex = new Map<string, number>();
  private readonly customerIndex = new Map<string, number>();
  private readonly productIndex = new Map<string, number>();

  /** Throws `UnreadableLine` where a number is none. */
  enter(line: BookedLine): void {
    this.read++;
    const invoice = this.invoice(line);
    const meaning = classifyLine(line);
    if (meaning.kind === 'skipped') {
      this.skipped[meaning.reason]++;
      return;
    }
    const number = this.product(meaning.sku);
    if (meaning.kind === 'sold') {
      this.kept++;
      const product = this.products[number]!;
      product.price ??= meaning.price;
      product.name ||= line.description.trim();
    }
    this.lines.invoice.push(invoice);
    this.lines.product.push(number);
    this.lines.quantity.push(meaning.kind === 'sold' ? meaning.quantity : -meaning.quantity);
  }

  private invoice(line: BookedLine): number {
    const known = this.invoiceIndex.get(line.invoiceNumber);
    if (known !== undefined) return known;
    const number = this.invoiceNumbers.push(line.invoiceNumber) - 1;
    this.invoiceIndex.set(line.invoiceNumber, number);
    this.customerOf.push(this.customer(line.customer));
    return number;
  }

  private customer(id: string): number {
    const known = this.customerIndex.get(id);
    if (known !== undefined) return known;
    const number = this.customers.push(id) - 1;
    this.customerIndex.set(id, number);
    return number;
  }

  private product(sku: string): number {
    const known = this.productIndex.get(sku);
    if (known !== undefined) return known;
    const number = this.products.push({ sku, name: '', price: null }) - 1;
    this.productIndex.set(sku, number);
    return number;
  }
}
