import { change, type Product } from './product';

const listed: Product = {
  id: '01980000-0000-7000-8000-000000000001',
  sku: 'TEA-EARL-GREY',
  name: 'Earl Grey',
  price: { amount: 650, currency: 'GBP' },
  updatedAt: new Date('2026-03-01T09:00:00Z'),
};
const later = new Date('2026-03-02T09:00:00Z');

describe('a product', () => {
  it('takes a new name and keeps its price', () => {
    expect(change(listed, { name: 'Earl Grey, loose' }, later)).toEqual({
      ...listed,
      name: 'Earl Grey, loose',
      updatedAt: later,
    });
  });

  it('takes a new price and keeps its name', () => {
    const price = { amount: 700, currency: 'GBP' };
    expect(change(listed, { price }, later)).toEqual({ ...listed, price, updatedAt: later });
  });

  it.each([
    ['nothing', {}],
    ['the name it has', { name: 'Earl Grey' }],
    ['the price it has', { price: { amount: 650, currency: 'GBP' } }],
  ])('stays the very same when it is given %s', (_, change_) => {
    expect(change(listed, change_, later)).toBe(listed);
  });
});
