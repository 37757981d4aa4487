import type { Order } from '../shop-client/answers';
import { SCENARIOS, type Scenario } from './scenarios';
import { complaintsAbout } from './visit';

const purchase: Scenario = { says: 'buys', customer: 'Ada', wants: {}, token: 'tok_approved', becomes: 'confirmed' };
const decline: Scenario = { ...purchase, becomes: 'cancelled', cancelReason: 'payment-declined' };
const order = (status: string, cancelReason: string | null = null): Order => ({
  id: 'o1',
  customerId: 'c1',
  status,
  cancelReason,
  total: { amount: 650, currency: 'GBP' },
});

describe('the demo', () => {
  it('has twenty orders, with everything that may become of one', () => {
    expect(SCENARIOS).toHaveLength(20);
    expect(new Set(SCENARIOS.map(({ token }) => token)).size).toBe(6);
    expect(new Set(SCENARIOS.map(({ cancelReason }) => cancelReason)).size).toBe(4);
  });

  it.each<[string, Scenario, Order, number]>([
    ['a confirmed order that was paid', purchase, order('confirmed'), 650],
    ['a cancelled order for the expected reason that cost nothing', decline, order('cancelled', 'payment-declined'), 0],
  ])('is content with %s', (_, scenario, outcome, kept) => {
    expect(complaintsAbout(scenario, outcome, kept)).toEqual([]);
  });

  it.each<[string, Scenario, Order, number, string]>([
    ['an order that never ended', purchase, order('pending'), 650, 'is pending instead of confirmed'],
    [
      'money kept for a cancelled order',
      decline,
      order('cancelled', 'payment-declined'),
      650,
      'keeps 650 pence instead of 0',
    ],
    ['a confirmed order that nobody paid', purchase, order('confirmed'), 0, 'keeps 0 pence instead of 650'],
    ['another reason', decline, order('cancelled', 'timed-out'), 0, 'for timed-out instead of payment-declined'],
  ])('complains about %s', (_, scenario, outcome, kept, complaint) => {
    expect(complaintsAbout(scenario, outcome, kept).join()).toContain(complaint);
  });
});
