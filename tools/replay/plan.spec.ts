import { InvoiceBook } from './invoice-book';
import { ImpossibleOrder, planReplay, type Plan } from './plan';
import { expectedReport } from './report';

/** Lines as `invoice sku quantity price [customer]`; a customer of `-` is nobody, Ada by default. */
function planOf(...lines: string[]): Plan {
  const book = new InvoiceBook();
  for (const line of lines) {
    const [invoiceNumber = '', stockCode = '', quantity = '', unitPrice = '', who = 'Ada'] = line.split(' ');
    const customer = who === '-' ? '' : who;
    const description = `NAME OF ${stockCode}`;
    book.enter({ invoiceNumber, stockCode, quantity, unitPrice, description, customer });
  }
  return planReplay(book);
}

const LANTERN = '71053';
const HANGER = '84406B';

const ordersOf = ({ orders, products }: Plan) =>
  Array.from({ length: orders.count }, (_, order) => ({
    invoice: orders.invoiceNumber(order),
    items: orders.items(order).map(({ product, quantity }) => `${quantity} of ${products[product]!.sku}`),
    total: orders.total(order),
  }));
const returnsOf = ({ orders, products, returns }: Plan) =>
  returns.matched.map(
    (back) =>
      `${back.invoiceNumber}: ${back.quantity} of ${products[back.product]!.sku} to ${orders.invoiceNumber(back.order)} for ${back.amount}`,
  );
const customersOf = ({ customers, orders }: Plan) =>
  Array.from({ length: customers.count }, (_, customer) => [
    customers.id(customer),
    customers.orders(customer).map((order) => orders.invoiceNumber(order)),
  ]);

describe('an ordinary invoice', () => {
  it('is one order, its lines of one product added up', () => {
    const plan = planOf(`1 ${LANTERN} 6 3.39`, `1 ${HANGER} 8 2.75`, `1 ${LANTERN} 2 3.39`);
    expect(ordersOf(plan)).toEqual([
      { invoice: '1', items: [`8 of ${LANTERN}`, `8 of ${HANGER}`], total: 8 * 339 + 8 * 275 },
    ]);
  });

  it('gathers its lines wherever they stand, at the place and for the customer of the first', () => {
    const plan = planOf(`1 ${LANTERN} 1 3.39 Ada`, `2 ${LANTERN} 1 3.39 Bob`, `1 ${HANGER} 1 2.75 Bob`);
    expect(ordersOf(plan).map(({ invoice, items }) => [invoice, ...items])).toEqual([
      ['1', `1 of ${LANTERN}`, `1 of ${HANGER}`],
      ['2', `1 of ${LANTERN}`],
    ]);
    expect(customersOf(plan)).toEqual([
      ['Ada', ['1']],
      ['Bob', ['2']],
    ]);
  });

  it('takes its place and customer from its first line even where that is skipped', () => {
    const plan = planOf(`1 POST 1 18 Ada`, `2 ${LANTERN} 1 3.39 Bob`, `1 ${LANTERN} 1 3.39 Bob`);
    expect(customersOf(plan)).toEqual([
      ['Ada', ['1']],
      ['Bob', ['2']],
    ]);
  });

  it('without a kept line places nothing, but counts as an invoice', () => {
    const plan = planOf(`1 POST 1 18`, `2 ${LANTERN} 0 3.39`, `3 ${LANTERN} 1 0`);
    expect(ordersOf(plan)).toEqual([]);
    expect(expectedReport(plan)).toMatchObject({
      invoices: 3,
      customers: 0,
      products: 0,
      lines: { read: 3, kept: 0, skipped: { 'not-a-product': 1, 'bad-quantity': 1, 'bad-price': 1 } },
    });
  });

  it('without a customer belongs to the walk-in customer, who counts as one', () => {
    const plan = planOf(`1 ${LANTERN} 1 3.39 -`, `2 ${LANTERN} 1 3.39 Ada`, `3 ${LANTERN} 1 3.39 -`);
    expect(customersOf(plan)).toEqual([
      ['', ['1', '3']],
      ['Ada', ['2']],
    ]);
  });

  it.each([
    [`pieces of ${LANTERN}`, [`1 ${LANTERN} 60000 1`, `1 ${LANTERN} 40001 1`]],
    ['2001 products', Array.from({ length: 2001 }, (_, number) => `1 ${10_000 + number} 1 1`)],
    ['pence', [`1 ${LANTERN} 100000 100000.01`]],
  ])('is refused before anything is placed when it is more than the shop takes: %s', (complaint, lines) => {
    expect(() => planOf(...lines)).toThrow(ImpossibleOrder);
    expect(() => planOf(...lines)).toThrow(complaint);
  });
});

describe('a product', () => {
  it('keeps the price of its first kept line, and is sold at it ever after', () => {
    const plan = planOf(`1 ${LANTERN} 1 0`, `2 ${LANTERN} 1 3.39`, `3 ${LANTERN} 2 2.50`);
    expect(plan.products).toMatchObject([{ sku: LANTERN, price: 339 }]);
    expect(ordersOf(plan).map(({ total }) => total)).toEqual([339, 678]);
  });

  it('is the same in upper and lower case', () => {
    const plan = planOf(`1 85123a 1 2.55`, `2 85123A 3 2.55`);
    expect(plan.products).toEqual([{ sku: '85123A', name: 'NAME OF 85123a', price: 255, ordered: 4 }]);
  });

  it('is called by its first description, and by its sku where it has none', () => {
    const book = new InvoiceBook();
    const line = { invoiceNumber: '1', quantity: '1', unitPrice: '1', customer: 'Ada' };
    book.enter({ ...line, stockCode: LANTERN, description: ' ' });
    book.enter({ ...line, stockCode: LANTERN, description: 'WHITE METAL LANTERN ' });
    book.enter({ ...line, stockCode: LANTERN, description: 'LANTERN, WHITE' });
    book.enter({ ...line, stockCode: HANGER, description: '' });
    expect(planReplay(book).products.map(({ name }) => name)).toEqual(['WHITE METAL LANTERN', HANGER]);
  });

  it('needs as much stock as all orders ask for, returns or not', () => {
    const plan = planOf(`1 ${LANTERN} 5 3.39`, `C2 ${LANTERN} -5 3.39`, `3 ${LANTERN} 4 3.39`);
    expect(plan.products).toMatchObject([{ ordered: 9 }]);
  });

  it('that only ever came back is none', () => {
    const plan = planOf(`C1 ${HANGER} -1 2.75`, `2 ${LANTERN} 1 3.39`, `C3 ${LANTERN} -1 3.39`);
    expect(plan.products.map(({ sku }) => sku)).toEqual([LANTERN]);
    expect(returnsOf(plan)).toEqual([`C3: 1 of ${LANTERN} to 2 for 339`]);
  });
});

describe('a return', () => {
  it('goes back into the latest order of the customer that holds as much, at the list price', () => {
    const plan = planOf(
      `1 ${LANTERN} 6 3.39`,
      `2 ${LANTERN} 6 3.00`,
      `3 ${LANTERN} 2 3.39`,
      `4 ${HANGER} 9 2.75`,
      `C5 ${LANTERN} -3 9.99`,
    );
    expect(returnsOf(plan)).toEqual([`C5: 3 of ${LANTERN} to 2 for 1017`]);
  });

  it('never takes more out of an order than it still holds', () => {
    const plan = planOf(
      `1 ${LANTERN} 6 3.39`,
      `2 ${LANTERN} 4 3.39`,
      `C3 ${LANTERN} -3 3.39`,
      `C4 ${LANTERN} -3 3.39`,
      `C5 ${LANTERN} -1 3.39`,
      `C6 ${LANTERN} -4 3.39`,
    );
    expect(returnsOf(plan)).toEqual([
      `C3: 3 of ${LANTERN} to 2 for 1017`,
      `C4: 3 of ${LANTERN} to 1 for 1017`,
      `C5: 1 of ${LANTERN} to 2 for 339`,
    ]);
    expect(plan.returns.unmatched).toBe(1);
  });

  it('is unmatched when it comes before the order, or from somebody else', () => {
    const plan = planOf(`C1 ${LANTERN} -1 3.39 Ada`, `2 ${LANTERN} 1 3.39 Ada`, `C3 ${LANTERN} -1 3.39 Bob`);
    expect(plan.returns).toEqual({ matched: [], unmatched: 2 });
  });

  it('comes before an order whose first line stands behind it, and after one whose first line stands before', () => {
    const plan = planOf(`1 POST 1 18`, `C2 ${LANTERN} -1 3.39`, `1 ${LANTERN} 1 3.39`, `3 ${HANGER} 1 2.75`);
    expect(returnsOf(plan)).toEqual([`C2: 1 of ${LANTERN} to 1 for 339`]);
  });

  it('of the walk-in customer goes back into a walk-in order', () => {
    const plan = planOf(`1 ${LANTERN} 1 3.39 -`, `2 ${LANTERN} 1 3.39 Ada`, `C3 ${LANTERN} -1 3.39 -`);
    expect(returnsOf(plan)).toEqual([`C3: 1 of ${LANTERN} to 1 for 339`]);
  });

  it('is matched line by line, each under a number of its own', () => {
    const plan = planOf(
      `1 ${LANTERN} 2 3.39`,
      `1 ${HANGER} 1 2.75`,
      `C2 POST -1 18`,
      `C2 ${LANTERN} -1 3.39`,
      `C2 ${HANGER} -5 2.75`,
      `C2 ${LANTERN} -1 3.39`,
    );
    expect(plan.returns.matched.map(({ line }) => line)).toEqual([1, 3]);
    expect(plan.returns.unmatched).toBe(1);
  });
});

describe('the report', () => {
  it('counts revenue before refunds, and customers and products by what was ordered', () => {
    const plan = planOf(
      `1 ${LANTERN} 2 3.39 Ada`,
      `2 ${HANGER} 1 2.75 -`,
      `C3 ${LANTERN} -1 3.39 Ada`,
      `C4 ${LANTERN} -1 3.39 Eve`,
    );
    expect(expectedReport(plan)).toEqual({
      invoices: 4,
      orders: { placed: 2, confirmed: 2, cancelled: 0 },
      lines: { read: 4, kept: 2, skipped: { 'not-a-product': 0, 'bad-quantity': 0, 'bad-price': 0 } },
      returns: { matched: 1, unmatched: 1 },
      revenue: { amount: 2 * 339 + 275, currency: 'GBP' },
      refunds: { amount: 339, currency: 'GBP' },
      products: 2,
      customers: 2,
    });
  });
});
