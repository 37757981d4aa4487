/** What a customer does, and what must become of the order. */
export interface Scenario {
  says: string;
  customer: string;
  /** Pieces by product. */
  wants: Partial<Record<ProductName, number>>;
  token: string;
  /** When the customer changes their mind, if at all. */
  cancels?: 'at once' | 'when confirmed';
  becomes: 'confirmed' | 'cancelled';
  cancelReason?: string;
}

/** The demo's own products: pence, and pieces on the shelf. Of the last lantern there is one. */
export const PRODUCTS = {
  'Darjeeling, 100 g': { price: 650, stock: 1_000 },
  'Teapot of stoneware': { price: 2_900, stock: 1_000 },
  'Honey spoon': { price: 380, stock: 1_000 },
  'The last lantern': { price: 4_200, stock: 1 },
} as const;
export type ProductName = keyof typeof PRODUCTS;

const approved = (customer: string, says: string, wants: Scenario['wants']): Scenario => ({
  says,
  customer,
  wants,
  token: 'tok_approved',
  becomes: 'confirmed',
});

/** Twenty orders of every kind. */
export const SCENARIOS: readonly Scenario[] = [
  approved('Ada', 'buys tea', { 'Darjeeling, 100 g': 1 }),
  approved('Bela', 'buys tea and something to drink it from', { 'Darjeeling, 100 g': 2, 'Teapot of stoneware': 1 }),
  {
    says: 'pays with a card that is declined',
    customer: 'Chidi',
    wants: { 'Teapot of stoneware': 1 },
    token: 'tok_declined',
    becomes: 'cancelled',
    cancelReason: 'payment-declined',
  },
  approved('Dora', 'buys one of three things each', {
    'Darjeeling, 100 g': 1,
    'Teapot of stoneware': 1,
    'Honey spoon': 1,
  }),
  {
    says: 'pays with an account that is empty',
    customer: 'Emil',
    wants: { 'Darjeeling, 100 g': 40 },
    token: 'tok_insufficient_funds',
    becomes: 'cancelled',
    cancelReason: 'payment-declined',
  },
  {
    says: 'wants two of the last lantern',
    customer: 'Fatou',
    wants: { 'The last lantern': 2, 'Honey spoon': 1 },
    token: 'tok_approved',
    becomes: 'cancelled',
    cancelReason: 'out-of-stock',
  },
  approved('Ada', 'buys the last lantern', { 'The last lantern': 1 }),
  {
    says: 'cancels at once, while the payment is on its way',
    customer: 'Bela',
    wants: { 'Teapot of stoneware': 2 },
    token: 'tok_slow',
    cancels: 'at once',
    becomes: 'cancelled',
    cancelReason: 'customer-request',
  },
  {
    says: 'cancels after the order was confirmed',
    customer: 'Chidi',
    wants: { 'Honey spoon': 6 },
    token: 'tok_approved',
    cancels: 'when confirmed',
    becomes: 'cancelled',
    cancelReason: 'customer-request',
  },
  {
    says: 'pays through a bank that takes three seconds',
    customer: 'Dora',
    wants: { 'Darjeeling, 100 g': 3 },
    token: 'tok_slow',
    becomes: 'confirmed',
  },
  {
    says: 'pays through a bank that fails twice',
    customer: 'Emil',
    wants: { 'Honey spoon': 2 },
    token: 'tok_error',
    becomes: 'confirmed',
  },
  {
    says: 'is charged, but the bank never answers',
    customer: 'Fatou',
    wants: { 'Teapot of stoneware': 1, 'Honey spoon': 1 },
    token: 'tok_timeout',
    becomes: 'confirmed',
  },
  approved('Ada', 'buys tea for the office', { 'Darjeeling, 100 g': 24 }),
  approved('Bela', 'buys a spoon', { 'Honey spoon': 1 }),
  approved('Chidi', 'buys a teapot with another card', { 'Teapot of stoneware': 1 }),
  approved('Dora', 'buys spoons for a wedding', { 'Honey spoon': 80 }),
  approved('Emil', 'buys what he can afford', { 'Darjeeling, 100 g': 1 }),
  approved('Fatou', 'buys a teapot and tea', { 'Teapot of stoneware': 1, 'Darjeeling, 100 g': 1 }),
  approved('Ada', 'buys tea again', { 'Darjeeling, 100 g': 2 }),
  approved('Bela', 'buys one of each that is left', {
    'Darjeeling, 100 g': 1,
    'Teapot of stoneware': 1,
    'Honey spoon': 1,
  }),
];
