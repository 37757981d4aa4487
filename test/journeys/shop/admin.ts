import { randomUUID } from 'node:crypto';
import { gbp } from './money';
import type { PlacedOrder } from './order';
import type { Product } from './product';
import { theShop, type Shop } from './shop';
import { Visitor } from './visitor';

/** Whoever runs the shop. */
export class Admin extends Visitor {
  /** Lists a product that nobody else knows of. Default: ten pieces at £6.50. */
  lists({ name = 'Lantern', price = gbp(650), stock = 10 } = {}): Promise<Product> {
    const body = { sku: `J-${randomUUID()}`, name, price, stock };
    return this.asks(201, 'POST', '/products', { body });
  }

  async stockOf({ id }: Product): Promise<number> {
    return (await this.looksAt(`/products/${id}`)).available;
  }

  /** Counts pieces in (or out, where negative), as having come back from an order where one is named. */
  restocks({ id }: Product, delta: number, from?: PlacedOrder): Promise<any> {
    const body = { delta, reason: 'Counted', ...(from && { orderId: from.id }) };
    return this.asks(200, 'POST', `/products/${id}/stock-adjustments`, { body });
  }

  /** Gives money back; all that is left where no amount is named. */
  async refunds(order: PlacedOrder, amount?: number): Promise<any> {
    const { id } = await order.payment();
    const body = amount === undefined ? {} : { amount: gbp(amount) };
    return this.asks(201, 'POST', `/payments/${id}/refunds`, { body, idempotencyKey: randomUUID() });
  }
}

export async function anAdmin(shop: Shop = theShop()): Promise<Admin> {
  const admin = new Admin(shop);
  await admin.signsIn(shop.admin.email, shop.admin.password);
  return admin;
}
