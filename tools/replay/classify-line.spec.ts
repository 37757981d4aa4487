import { classifyLine, UnreadableLine, type InvoiceLine } from './classify-line';

const line = (given: Partial<InvoiceLine>): InvoiceLine => ({
  invoiceNumber: '536365',
  stockCode: '85123A',
  quantity: '6',
  unitPrice: '2.55',
  ...given,
});
const skipped = (reason: string) => ({ kind: 'skipped', reason });

describe('a line of an ordinary invoice', () => {
  it('sells a product at its price in pence', () => {
    expect(classifyLine(line({}))).toEqual({ kind: 'sold', sku: '85123A', quantity: 6, price: 255 });
  });

  it.each(['71053', '85123A', '85123a', '15056BL'])('knows %s as a product, in upper case', (stockCode) => {
    expect(classifyLine(line({ stockCode }))).toMatchObject({ kind: 'sold', sku: stockCode.toUpperCase() });
  });

  it.each(['POST', 'M', '7105', '710531', '85123ABC', '85123-A', ' 71053', ''])(
    'knows %j as no product',
    (stockCode) => {
      expect(classifyLine(line({ stockCode }))).toEqual(skipped('not-a-product'));
    },
  );

  it.each(['0', '-1'])('is skipped for a quantity of %s', (quantity) => {
    expect(classifyLine(line({ quantity }))).toEqual(skipped('bad-quantity'));
  });

  it.each(['0', '0.0', '-11062.06', '0.001', '2.555'])('is skipped for a price of %s', (unitPrice) => {
    expect(classifyLine(line({ unitPrice }))).toEqual(skipped('bad-price'));
  });

  it.each([
    ['3', 300],
    ['0.1', 10],
    ['.07', 7],
    ['1.15', 115],
    ['4.350', 435],
    ['1062.99', 106_299],
  ])('reads a price of %s to the penny', (unitPrice, price) => {
    expect(classifyLine(line({ unitPrice }))).toMatchObject({ kind: 'sold', price });
  });

  it('is judged as a product first, then by its quantity, then by its price', () => {
    expect(classifyLine(line({ stockCode: 'POST', quantity: '0', unitPrice: '0' }))).toEqual(skipped('not-a-product'));
    expect(classifyLine(line({ quantity: '0', unitPrice: '0' }))).toEqual(skipped('bad-quantity'));
  });

  it.each([
    [{ quantity: 'six' }, 'the quantity "six"'],
    [{ quantity: '1.5' }, 'the quantity "1.5"'],
    [{ quantity: '' }, 'the quantity ""'],
    [{ unitPrice: '£2' }, 'the unit price "£2"'],
    [{ unitPrice: '' }, 'the unit price ""'],
    [{ unitPrice: '.' }, 'the unit price "."'],
  ])('cannot be read with %j', (given, complaint) => {
    expect(() => classifyLine(line(given))).toThrow(UnreadableLine);
    expect(() => classifyLine(line(given))).toThrow(complaint);
  });

  it('may say anything where it is no product', () => {
    expect(classifyLine(line({ stockCode: 'M', quantity: 'many', unitPrice: 'dear' }))).toEqual(
      skipped('not-a-product'),
    );
  });
});

describe('a line of a return', () => {
  const back = (given: Partial<InvoiceLine>) => classifyLine(line({ invoiceNumber: 'C536379', ...given }));

  it('brings back as many pieces as its quantity lacks, whatever its price', () => {
    const returned = { kind: 'returned', sku: '85123A', quantity: 2 };
    expect(back({ quantity: '-2' })).toEqual(returned);
    expect(back({ quantity: '-2', unitPrice: '0' })).toEqual(returned);
  });

  it.each(['0', '1'])('is skipped for a quantity of %s', (quantity) => {
    expect(back({ quantity })).toEqual(skipped('bad-quantity'));
  });

  it('is skipped where it is no product', () => {
    expect(back({ stockCode: 'D', quantity: '-1' })).toEqual(skipped('not-a-product'));
  });
});
