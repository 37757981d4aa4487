import { randomUUID } from 'node:crypto';
import { until } from './eventually';
import { PlacedOrder, type Order } from './order';
import type { Product } from './product';
import { theShop, type Shop } from './shop';
import { Refused, Visitor } from './visitor';

export type Wanted = readonly (readonly [product: Product, quantity: number])[];

export interface Wishes {
  items: Wanted;
  /** Default `tok_approved`. */
  paysWith?: string;
  /** Default: one that was never used. */
  idempotencyKey?: string;
}

// A product is known to orders within a second of its listing, on a machine that is not busy with ten other things.
const LISTING_PATIENCE_MS = 10_000;

/** Somebody who has registered, and is signed in. */
export class Customer extends Visitor {
  constructor(
    shop: Shop,
    readonly id: string,
    readonly name: string,
    readonly email: string,
    readonly password: string,
  ) {
    super(shop);
  }

  /** Places an order, which must be taken. Goes on asking while orders has not heard of a product just listed. */
  async orders({ idempotencyKey = randomUUID(), ...wishes }: Wishes): Promise<PlacedOrder> {
    const body = orderFor(wishes);
    const placed = await until(
      'orders has heard of the products',
      async () => {
        const answer = await this.calls('POST', '/orders', { body, idempotencyKey });
        if (answer.body?.code === 'unknown-product') return undefined;
        if (answer.status !== 201) throw new Refused('POST', '/orders', answer);
        return answer.body as Order;
      },
      LISTING_PATIENCE_MS,
    );
    return new PlacedOrder(this, placed);
  }
}

/** The body of a request for an order. */
export function orderFor({ items, paysWith = 'tok_approved' }: Omit<Wishes, 'idempotencyKey'>) {
  return {
    items: items.map(([{ id: productId }, quantity]) => ({ productId, quantity })),
    payment: { token: paysWith },
  };
}

/** Registers somebody new and signs them in. */
export async function aCustomer({
  shop = theShop(),
  name = 'Jane Austen',
}: { shop?: Shop; name?: string } = {}): Promise<Customer> {
  const email = `customer-${randomUUID()}@journeys.example`;
  const password = randomUUID();
  const { id } = await new Visitor(shop).asks(201, 'POST', '/users', { body: { email, password, name } });
  const customer = new Customer(shop, id, name, email, password);
  await customer.signsIn(email, password);
  return customer;
}
