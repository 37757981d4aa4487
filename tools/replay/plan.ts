import { isReturn, type SkipReason } from './classify-line';
import { GrowingColumn } from './growing-column';
import type { InvoiceBook } from './invoice-book';

/** What the shop takes in one order, and in a name. */
const MOST_PRODUCTS_OF_AN_ORDER = 2_000;
const MOST_PIECES_OF_A_PRODUCT = 100_000;
const HIGHEST_TOTAL = 10 ** 12;
const LONGEST_NAME = 200;

/** The invoices are readable, but the shop would not take one of them. */
export class ImpossibleOrder extends Error {}

export interface PlannedProduct {
  sku: string;
  name: string;
  /** Pence. */
  price: number;
  /** Pieces in all orders together. */
  ordered: number;
}

/** Goods that go back into an order: refunded there, and restocked. */
export interface PlannedReturn {
  order: number;
  product: number;
  quantity: number;
  /** Pence. */
  amount: number;
  /** The return invoice, and which of its returned lines this is, from 1. */
  invoiceNumber: string;
  line: number;
}

export interface PlannedItem {
  product: number;
  quantity: number;
}

/**
 * All that will be asked of the shop, and what must come of it, decided from the invoices alone. Orders stand in input
 * order; orders, customers and products are numbers from 0.
 */
export interface Plan {
  invoices: number;
  lines: { read: number; kept: number; skipped: Record<SkipReason, number> };
  products: PlannedProduct[];
  orders: {
    count: number;
    invoiceNumber(order: number): string;
    items(order: number): PlannedItem[];
    /** Pence, at list prices. */
    total(order: number): number;
  };
  customers: {
    count: number;
    /** As the invoices name the customer; empty for the walk-in one. */
    id(customer: number): string;
    /** In input order. */
    orders(customer: number): number[];
  };
  returns: { matched: PlannedReturn[]; unmatched: number };
}

/** Throws `ImpossibleOrder` where an invoice is more than the shop takes in one order. */
export function planReplay(book: InvoiceBook): Plan {
  const orders = new PlannedOrders(book);
  const returns: Plan['returns'] = { matched: [], unmatched: 0 };
  forEachInvoice(book, (invoice, lines) => {
    if (isReturn(book.invoiceNumbers[invoice]!)) takeBack(book, orders, invoice, lines, returns);
    else orders.add(invoice, lines);
  });
  return orders.plan(returns);
}

/** The same for products and customers of its own: played beside other runs in one shop, it has nothing to do with them. */
export function beside(plan: Plan, name: string): Plan {
  return {
    ...plan,
    products: plan.products.map((product) => ({ ...product, sku: `${name}-${product.sku}` })),
    customers: { ...plan.customers, id: (customer) => `${plan.customers.id(customer) || 'walk-in'} of ${name}` },
  };
}

/** Invoices in the order of their first lines; each with its lines, wherever they stood, in their order. */
function forEachInvoice(book: InvoiceBook, visit: (invoice: number, lines: Int32Array) => void): void {
  const invoiceOf = book.lines.invoice.view();
  const ends = new Int32Array(book.invoiceNumbers.length + 1);
  for (const invoice of invoiceOf) ends[invoice + 1]!++;
  for (let invoice = 0; invoice < book.invoiceNumbers.length; invoice++) ends[invoice + 1]! += ends[invoice]!;
  const starts = ends.slice(0, -1);
  const sorted = new Int32Array(invoiceOf.length);
  invoiceOf.forEach((invoice, line) => (sorted[starts[invoice]!++] = line));
  for (let invoice = 0; invoice < book.invoiceNumbers.length; invoice++) {
    const lines = sorted.subarray(ends[invoice], ends[invoice + 1]);
    if (lines.length > 0) visit(invoice, lines);
  }
}

function takeBack(
  book: InvoiceBook,
  orders: PlannedOrders,
  invoice: number,
  lines: Int32Array,
  returns: Plan['returns'],
): void {
  lines.forEach((line, position) => {
    const product = book.lines.product.view()[line]!;
    const quantity = -book.lines.quantity.view()[line]!;
    const order = orders.takeFromLatest(book.customerOf.view()[invoice]!, product, quantity);
    if (order === undefined) {
      returns.unmatched++;
      return;
    }
    returns.matched.push({
      order,
      product: orders.productNumber(product),
      quantity,
      amount: quantity * book.products[product]!.price!,
      invoiceNumber: book.invoiceNumbers[invoice]!,
      line: position + 1,
    });
  });
}

const NONE = -1;

/** The orders as columns: `firstItem[order]` to `firstItem[order + 1]` are its items. */
class PlannedOrders {
  private readonly invoice = new GrowingColumn();
  private readonly firstItem = new GrowingColumn();
  private readonly itemProduct = new GrowingColumn();
  private readonly itemQuantity = new GrowingColumn();
  /** What each item still holds of what was ordered, less what came back. */
  private readonly itemHeld = new GrowingColumn();
  /** By order: the same customer's order before it. */
  private readonly previous = new GrowingColumn();
  /** By customer of the book. */
  private readonly latest: Int32Array;
  /** By product of the book: pieces ordered, which may be more than 32 bits hold, and its place among the sold ones. */
  private readonly ordered: Float64Array;
  private readonly place: Int32Array;

  constructor(private readonly book: InvoiceBook) {
    this.latest = new Int32Array(book.customers.length).fill(NONE);
    this.ordered = new Float64Array(book.products.length);
    this.place = new Int32Array(book.products.length).fill(NONE);
    let sold = 0;
    book.products.forEach((product, number) => {
      if (product.price !== null) this.place[number] = sold++;
    });
    this.firstItem.push(0);
  }

  add(invoice: number, lines: Int32Array): void {
    const number = this.book.invoiceNumbers[invoice]!;
    const quantities = new Map<number, number>();
    for (const line of lines) {
      const product = this.book.lines.product.view()[line]!;
      quantities.set(product, (quantities.get(product) ?? 0) + this.book.lines.quantity.view()[line]!);
    }
    if (quantities.size > MOST_PRODUCTS_OF_AN_ORDER) {
      throw new ImpossibleOrder(
        `Invoice ${number} has ${quantities.size} products; the shop takes ${MOST_PRODUCTS_OF_AN_ORDER} in one order.`,
      );
    }
    let total = 0;
    for (const [product, quantity] of quantities) {
      total += quantity * this.book.products[product]!.price!;
      if (quantity > MOST_PIECES_OF_A_PRODUCT) {
        const { sku } = this.book.products[product]!;
        throw new ImpossibleOrder(
          `Invoice ${number} has ${quantity} pieces of ${sku}; the shop takes ${MOST_PIECES_OF_A_PRODUCT} in one order.`,
        );
      }
      this.itemProduct.push(product);
      this.itemQuantity.push(quantity);
      this.itemHeld.push(quantity);
      this.ordered[product]! += quantity;
    }
    if (total > HIGHEST_TOTAL) {
      throw new ImpossibleOrder(
        `Invoice ${number} comes to ${total} pence; the shop takes ${HIGHEST_TOTAL} in one order.`,
      );
    }
    const customer = this.book.customerOf.view()[invoice]!;
    this.previous.push(this.latest[customer]!);
    this.latest[customer] = this.invoice.length;
    this.invoice.push(invoice);
    this.firstItem.push(this.itemProduct.length);
  }

  /** The customer's latest order that still holds as much of the product; it then holds that much less. */
  takeFromLatest(customer: number, product: number, quantity: number): number | undefined {
    const products = this.itemProduct.view();
    const held = this.itemHeld.view();
    const first = this.firstItem.view();
    const previous = this.previous.view();
    for (let order = this.latest[customer]!; order !== NONE; order = previous[order]!) {
      for (let item = first[order]!; item < first[order + 1]!; item++) {
        if (products[item] !== product || held[item]! < quantity) continue;
        held[item]! -= quantity;
        return order;
      }
    }
    return undefined;
  }

  /** The plan's number of a product of the book. */
  productNumber(product: number): number {
    return this.place[product]!;
  }

  plan(returns: Plan['returns']): Plan {
    const { book } = this;
    const invoice = this.invoice.view();
    const first = this.firstItem.view();
    const product = this.itemProduct.view();
    const quantity = this.itemQuantity.view();

    const ordersOf = new Map<number, number[]>();
    invoice.forEach((number, order) => {
      const customer = book.customerOf.view()[number]!;
      const theirs = ordersOf.get(customer);
      if (theirs) theirs.push(order);
      else ordersOf.set(customer, [order]);
    });
    const customers = [...ordersOf.keys()];

    return {
      invoices: book.invoiceNumbers.length,
      lines: { read: book.read, kept: book.kept, skipped: book.skipped },
      products: book.products.flatMap(({ sku, name, price }, number) =>
        price === null
          ? []
          : [{ sku, name: (name || sku).slice(0, LONGEST_NAME).toWellFormed(), price, ordered: this.ordered[number]! }],
      ),
      orders: {
        count: invoice.length,
        invoiceNumber: (order) => book.invoiceNumbers[invoice[order]!]!,
        items: (order) => {
          const items: PlannedItem[] = [];
          for (let item = first[order]!; item < first[order + 1]!; item++) {
            items.push({ product: this.place[product[item]!]!, quantity: quantity[item]! });
          }
          return items;
        },
        total: (order) => {
          let total = 0;
          for (let item = first[order]!; item < first[order + 1]!; item++) {
            total += quantity[item]! * book.products[product[item]!]!.price!;
          }
          return total;
        },
      },
      customers: {
        count: customers.length,
        id: (customer) => book.customers[customers[customer]!]!,
        orders: (customer) => ordersOf.get(customers[customer]!)!,
      },
      returns,
    };
  }
}
