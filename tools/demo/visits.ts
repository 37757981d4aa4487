import { randomUUID } from 'node:crypto';
import type { Credentials, Session } from '../shop-client/session';
import type { Shop } from '../shop-client/shop';
import { CURRENCY } from './printed';
import { PRODUCTS, SCENARIOS } from './scenarios';
import { visit, type Outcome } from './visit';

export interface VisitsOptions {
  /** How long an order may take to end. */
  patienceMs: number;
  /** Everybody is in the shop, and orders. */
  onBegin(): void;
  onOutcome(number: number, outcome: Outcome): void;
}

/** Customers and products of this run's own, and every scenario at the same time; in their order, what became of each. */
export async function visits(shop: Shop, admin: Credentials, options: VisitsOptions): Promise<Outcome[]> {
  const run = randomUUID().slice(0, 8);
  const products = await listProducts(await shop.signIn(admin), run);
  const customers = await registerCustomers(shop, run);
  options.onBegin();
  return Promise.all(
    SCENARIOS.map(async (scenario, number) => {
      const key = `demo-${run}-${number + 1}`;
      const outcome = await visit(scenario, customers.get(scenario.customer)!, products, key, options.patienceMs);
      options.onOutcome(number, outcome);
      return outcome;
    }),
  );
}

async function listProducts(admin: Session, run: string): Promise<Map<string, string>> {
  const ids = new Map<string, string>();
  for (const [number, [name, { price, stock }]] of Object.entries(PRODUCTS).entries()) {
    const sku = `DEMO-${run.toUpperCase()}-${number + 1}`;
    const product = await admin.listProduct({ sku, name, price: { amount: price, currency: CURRENCY }, stock }, sku);
    ids.set(name, product.id);
  }
  return ids;
}

async function registerCustomers(shop: Shop, run: string): Promise<Map<string, Session>> {
  const names = [...new Set(SCENARIOS.map(({ customer }) => customer))];
  const sessions = await Promise.all(
    names.map(async (name) => {
      const email = `${name.toLowerCase()}-${run}@demo.banyan.example`;
      return [name, await shop.register({ email, password: randomUUID() }, name)] as const;
    }),
  );
  return new Map(sessions);
}
