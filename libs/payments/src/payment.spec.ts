import { AmountExceedsCapture, CurrencyMismatch, PaymentNotRefundable } from './errors';
import { cancel, type Payment, type PaymentState, refundable, refundedOf, statusOf } from './payment';

const pounds = (amount: number) => ({ amount, currency: 'GBP' });

/** A payment of 25.00 GBP in the given state. */
const given = (state: PaymentState): Payment => ({
  id: '0199f6f0-0000-7000-8000-000000000001',
  orderId: '0199f6f0-0000-7000-8000-000000000002',
  customerId: '0199f6f0-0000-7000-8000-000000000003',
  total: pounds(2500),
  createdAt: new Date('2026-11-20T10:00:00Z'),
  updatedAt: new Date('2026-11-20T10:00:00Z'),
  ...state,
});

describe('a payment seen from outside', () => {
  it.each([
    [{ state: 'pending', cancelling: false }, 'pending', 0],
    [{ state: 'pending', cancelling: true }, 'pending', 0],
    [{ state: 'declined', reason: 'card-declined' }, 'declined', 0],
    [{ state: 'voided' }, 'declined', 0],
    [{ state: 'captured', refunded: 0 }, 'captured', 0],
    [{ state: 'captured', refunded: 1 }, 'partially-refunded', 1],
    [{ state: 'captured', refunded: 2500 }, 'refunded', 2500],
  ] as const)('given %j, it is %s', (state, status, refunded) => {
    expect(statusOf(given(state))).toBe(status);
    expect(refundedOf(given(state))).toEqual(pounds(refunded));
  });
});

describe('refunding', () => {
  const captured = given({ state: 'captured', refunded: 1000 });

  it('takes the rest when no amount is named', () => expect(refundable(captured, undefined)).toEqual(pounds(1500)));
  it('takes the amount that is named', () => expect(refundable(captured, pounds(300))).toEqual(pounds(300)));
  it('may take all that is left', () => expect(refundable(captured, pounds(1500))).toEqual(pounds(1500)));

  it('refuses more than is left', () =>
    expect(() => refundable(captured, pounds(1501))).toThrow(new AmountExceedsCapture(pounds(1501), pounds(1500))));
  it('refuses another currency', () =>
    expect(() => refundable(captured, { amount: 1, currency: 'EUR' })).toThrow(new CurrencyMismatch('EUR', 'GBP')));

  it.each([
    { state: 'pending', cancelling: false },
    { state: 'declined', reason: 'card-declined' },
    { state: 'voided' },
    { state: 'captured', refunded: 2500 },
  ] as const)('given %j, there is nothing to refund, whatever is asked for', (state) => {
    expect(() => refundable(given(state), undefined)).toThrow(PaymentNotRefundable);
    expect(() => refundable(given(state), pounds(9999))).toThrow(PaymentNotRefundable);
  });
});

describe('cancelling', () => {
  it('a payment nobody asked for is answered at once, with no money of no currency', () =>
    expect(cancel(undefined)).toEqual({ act: 'answer', refunded: { amount: 0, currency: 'XXX' } }));
  it('a pending payment waits until its outcome is found out', () =>
    expect(cancel(given({ state: 'pending', cancelling: false }))).toEqual({ act: 'find-out' }));
  it('a captured payment gives back what is left of it', () =>
    expect(cancel(given({ state: 'captured', refunded: 400 }))).toEqual({ act: 'give-back', amount: pounds(2100) }));

  it.each([
    { state: 'declined', reason: 'card-declined' },
    { state: 'voided' },
    { state: 'captured', refunded: 2500 },
  ] as const)('given %j, it answers that nothing more was given back', (state) =>
    expect(cancel(given(state))).toEqual({ act: 'answer', refunded: pounds(0) }),
  );
});
