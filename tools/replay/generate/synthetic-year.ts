import { seededChance } from './seeded-chance';

/** The figures of a real year: the Online Retail data set, rounded. */
const YEAR = { lines: 542_000, invoices: 25_900, customers: 4_335, products: 3_900 };

export const HEADER = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country';

/** What invoices are for: how many of them are, and how long they are compared with each other. */
const KINDS = {
  return: { share: 0.15, length: 0.1 },
  /** Goods lost or found: nothing is sold. */
  correction: { share: 0.08, length: 0 },
  /** Nobody's in particular, and summed up from the till. */
  walkIn: { share: 0.06, length: 4 },
  customer: { share: 0.71, length: 1 },
};
type Kind = keyof typeof KINDS;

const OPENED_AT = Date.UTC(2010, 11, 1, 8, 26);
const CLOSED_AT = Date.UTC(2011, 11, 9, 12, 50);
const FIRST_INVOICE_NUMBER = 536365;
const FIRST_CUSTOMER_NUMBER = 12346;
const FIRST_STOCK_CODE = 20_000;
const SALES_REMEMBERED = 2_000;

const COLOURS = ['WHITE', 'RED', 'PINK', 'IVORY', 'BLUE', 'SILVER', 'RETROSPOT', 'VINTAGE', 'FAIRY TALE', 'JUMBO'];
const THINGS = ['LANTERN', 'T-LIGHT HOLDER', 'LUNCH BAG', 'CAKE STAND', 'DOORMAT', 'MUG', 'PHOTO FRAME', 'BUNTING'];
const NO_PRODUCTS = ['POST', 'DOT', 'M', 'D', 'BANK CHARGES', 'AMAZONFEE', 'gift_0001_20'];

interface Line {
  stockCode: string;
  description: string;
  quantity: number;
  price: string;
}

/**
 * The lines of a year like that shop's, as CSV without the header: the same for the same seed. Fewer lines make a
 * shorter year of as many lines an invoice, and invoices a customer.
 * @param wanted how many lines, at least 1
 */
export function* syntheticYear(wanted: number = YEAR.lines, seed = 20101201): Generator<string> {
  const chance = seededChance(seed);
  const pick = <Item>(items: readonly Item[]) => items[Math.floor(chance() * items.length)]!;

  const products = Array.from({ length: YEAR.products }, (_, number) => ({
    stockCode: `${FIRST_STOCK_CODE + number}${pick(['', '', '', 'A', 'B', 'c'])}`,
    description: `${pick(COLOURS)} ${pick(THINGS)} ${number}`,
    pence: 20 + Math.floor(1_500 * chance() ** 3),
  }));
  const goods = (): Omit<Line, 'quantity'> => {
    // Few products make most of the sales, and now and then a price is reduced.
    const { stockCode, description, pence } = products[Math.floor(YEAR.products * chance() ** 2)]!;
    return { stockCode, description, price: ((chance() < 0.1 ? Math.ceil(pence * 0.8) : pence) / 100).toString() };
  };
  const some = () => 1 + Math.floor(24 * chance() ** 2) * (chance() < 0.01 ? 50 : 1);
  const sold = (): Line => {
    const kindOfLine = chance();
    if (kindOfLine < 0.004) return { stockCode: pick(NO_PRODUCTS), description: 'POSTAGE', quantity: 1, price: '18.0' };
    if (kindOfLine < 0.006) return { ...goods(), quantity: some(), price: pick(['0.0', '0.001']) };
    return { ...goods(), quantity: some() };
  };
  const correction = (): Line => ({
    ...goods(),
    description: pick(['', 'damages', '?']),
    quantity: -some(),
    price: '0.0',
  });
  const remembered: { customer: string; line: Line }[] = [];
  const remember = (customer: string, line: Line) => {
    if (line.quantity <= 0 || NO_PRODUCTS.includes(line.stockCode)) return;
    const place = remembered.length < SALES_REMEMBERED ? remembered.length : Math.floor(chance() * SALES_REMEMBERED);
    remembered[place] = { customer, line };
  };

  const scale = wanted / YEAR.lines;
  const kinds = Array.from({ length: Math.max(1, Math.round(YEAR.invoices * scale)) }, () => kindOf(chance()));
  const lengths = lengthsOf(kinds, wanted, chance);
  const customers = Math.max(1, Math.round(YEAR.customers * scale));
  const theirInvoices = kinds.filter((kind) => kind === 'customer').length;
  let known = 0;
  let served = 0;
  const customerNow = (): string => {
    // New customers come all year round; those who are known come again, the early ones more often.
    const isNew = known * theirInvoices <= served++ * customers && known < customers;
    return `${FIRST_CUSTOMER_NUMBER + (isNew ? known++ : Math.floor(known * chance() ** 2))}.0`;
  };

  for (const [invoice, kind] of kinds.entries()) {
    const number = `${kind === 'return' ? 'C' : ''}${FIRST_INVOICE_NUMBER + invoice}`;
    const at = new Date(OPENED_AT + ((CLOSED_AT - OPENED_AT) * invoice) / kinds.length);
    const date = at.toISOString().slice(0, 19).replace('T', ' ');
    const origin = kind === 'return' && remembered.length > 0 ? pick(remembered) : undefined;
    const customer = kind === 'customer' ? customerNow() : (origin?.customer ?? '');
    for (let position = 0; position < lengths[invoice]!; position++) {
      let line: Line;
      if (kind === 'correction') line = correction();
      else if (kind !== 'return') line = sold();
      // The first line gives back part of what was bought, the others what was bought before the year began.
      else if (origin && position === 0)
        line = { ...origin.line, quantity: -Math.ceil(origin.line.quantity * chance()) };
      else line = { ...goods(), quantity: -some() };
      if (kind === 'customer') remember(customer, line);
      const { stockCode, description, quantity, price } = line;
      yield `${number},${stockCode},${description},${quantity},${date},${price},${customer},United Kingdom`;
    }
  }
}

/** Kinds by their shares. */
function kindOf(chance: number): Kind {
  let left = chance;
  for (const [kind, { share }] of Object.entries(KINDS)) {
    left -= share;
    if (left < 0) return kind as Kind;
  }
  return 'customer';
}

/** Every invoice has a line; the others are shared out by the kinds' lengths, so that they come to the number wanted. */
function lengthsOf(kinds: readonly Kind[], wanted: number, chance: () => number): number[] {
  const weights = kinds.map((kind) => KINDS[kind].length * -Math.log(1 - chance()));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const toShare = wanted - kinds.length;
  const lengths: number[] = [];
  let weightSoFar = 0;
  let shared = 0;
  for (const weight of weights) {
    weightSoFar += weight;
    // Shared out by the running sum, so that rounding loses none.
    const due = lengths.length === kinds.length - 1 || sum === 0 ? toShare : Math.round((toShare * weightSoFar) / sum);
    lengths.push(1 + due - shared);
    shared = due;
  }
  return lengths;
}
