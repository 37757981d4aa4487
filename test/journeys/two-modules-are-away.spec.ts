import { randomUUID } from 'node:crypto';
import { anAdmin } from './shop/admin';
import { aCustomer, orderFor, type Customer } from './shop/customer';
import { until } from './shop/eventually';
import { eventually, PlacedOrder, type Order } from './shop/order';
import type { Product } from './shop/product';
import { inAShopOfItsOwn } from './shop/running-shop';

// Cut off, or nobody there.
const NO_ANSWER = ['UND_ERR_SOCKET', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE'];
const OUTAGE_MS = 60_000;

inAShopOfItsOwn('in a shop whose inventory and payments go away and come back', {}, (shop) => {
  /** Goes on asking with one key until the order is taken. */
  async function insistsOnOrdering(jane: Customer, lantern: Product): Promise<PlacedOrder> {
    const call = { body: orderFor({ items: [[lantern, 1]] }), idempotencyKey: randomUUID() };
    const ask = async () => {
      try {
        const answer = await jane.calls('POST', '/orders', call);
        return answer.status === 201 && (answer.body as Order);
      } catch (error) {
        if (NO_ANSWER.includes((error as { code: string }).code)) return undefined;
        throw error;
      }
    };
    return new PlacedOrder(jane, await until('the order is taken', ask, OUTAGE_MS));
  }

  test('orders are taken wherever orders is, and all of them come to their end', async () => {
    const [admin, jane] = await Promise.all([anAdmin(shop()), aCustomer({ shop: shop() })]);
    const lantern = await admin.lists({ stock: 20 });
    await eventually(await jane.orders({ items: [[lantern, 1]] })).is('confirmed');

    const before = Array.from({ length: 6 }, () => insistsOnOrdering(jane, lantern));
    await Promise.any(before);
    const remaining = await shop().loses(['inventory', 'payments']);
    const meanwhile = Array.from({ length: 6 }, () => insistsOnOrdering(jane, lantern));
    if (remaining.includes('orders')) {
      for (const order of await Promise.all(meanwhile)) expect((await order.now()).status).toBe('pending');
    }
    await shop().finds();

    for (const order of await Promise.all([...before, ...meanwhile])) await eventually(order).is('confirmed');
    expect((await jane.reads('/orders?limit=100')).items).toHaveLength(13);
    expect(await admin.stockOf(lantern)).toBe(7);
  }, 120_000);
});
