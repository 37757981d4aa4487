import fc from 'fast-check';
import { AmountTooLarge, CurrencyMismatch, UnknownProduct } from './errors';
import { MOST, price, type Product } from './order';

const tea: Product = { id: 'tea', sku: 'TEA', name: 'Tea', price: { amount: 650, currency: 'GBP' } };
const cup: Product = { id: 'cup', sku: 'CUP', name: 'Cup', price: { amount: 1200, currency: 'GBP' } };
const wine: Product = { id: 'wine', sku: 'WINE', name: 'Wine', price: { amount: 900, currency: 'EUR' } };
const catalogue = new Map([tea, cup, wine].map((product) => [product.id, product]));

describe('pricing an order', () => {
  it('takes name and price from the catalogue', () => {
    const { items, total } = price([{ productId: 'tea', quantity: 2 }], catalogue);
    expect(items).toEqual([{ productId: 'tea', sku: 'TEA', name: 'Tea', quantity: 2, unitPrice: tea.price }]);
    expect(total).toEqual({ amount: 1300, currency: 'GBP' });
  });

  it('adds up the same product, at the place where it first appears', () => {
    const lines = [
      { productId: 'tea', quantity: 1 },
      { productId: 'cup', quantity: 1 },
      { productId: 'tea', quantity: 4 },
    ];
    const { items, total } = price(lines, catalogue);
    expect(items.map(({ productId, quantity }) => [productId, quantity])).toEqual([
      ['tea', 5],
      ['cup', 1],
    ]);
    expect(total.amount).toBe(5 * 650 + 1200);
  });

  it('names the products that it does not know', () => {
    expect(() => price([{ productId: 'hat', quantity: 1 }], catalogue)).toThrow(new UnknownProduct(['hat']));
  });

  it('refuses two currencies in one order', () => {
    const lines = ['tea', 'wine'].map((productId) => ({ productId, quantity: 1 }));
    expect(() => price(lines, catalogue)).toThrow(CurrencyMismatch);
  });

  it('takes a total of 10^12 minor units and nothing above', () => {
    const dear = new Map([['gem', { ...tea, id: 'gem', price: { amount: MOST, currency: 'GBP' } }]]);
    expect(price([{ productId: 'gem', quantity: 1 }], dear).total.amount).toBe(MOST);
    expect(() => price([{ productId: 'gem', quantity: 2 }], dear)).toThrow(AmountTooLarge);
  });

  it('always charges the sum of its items', () => {
    const line = fc.record({
      productId: fc.constantFrom('tea', 'cup'),
      quantity: fc.integer({ min: 1, max: 100_000 }),
    });
    fc.assert(
      fc.property(fc.array(line, { minLength: 1, maxLength: 50 }), (lines) => {
        const { items, total } = price(lines, catalogue);
        const sum = (of: readonly { productId: string; quantity: number }[]) =>
          of.reduce(
            (total, { productId, quantity }) => total + quantity * (catalogue.get(productId) as Product).price.amount,
            0,
          );
        expect(total.amount).toBe(sum(lines));
        expect(sum(items)).toBe(sum(lines));
      }),
    );
  });
});
