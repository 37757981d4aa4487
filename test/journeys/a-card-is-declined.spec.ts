import { anAdmin } from './shop/admin';
import { aCustomer } from './shop/customer';
import { gbp } from './shop/money';
import { eventually } from './shop/order';

test.each(['tok_declined', 'tok_insufficient_funds'])(
  'an order paid with %s is cancelled, costs nothing, and gives back all that was reserved for it',
  async (paysWith) => {
    const [admin, jane] = await Promise.all([anAdmin(), aCustomer()]);
    const [lantern, bunting] = await Promise.all([admin.lists({ stock: 10 }), admin.lists({ stock: 3 })]);
    const items = [
      [lantern, 4],
      [bunting, 3],
    ] as const;

    const declined = await jane.orders({ items, paysWith });
    await eventually(declined).is('cancelled', 'payment-declined');
    expect(await admin.stockOf(lantern)).toBe(10);
    expect(await admin.stockOf(bunting)).toBe(3);
    expect(await declined.payment()).toMatchObject({ status: 'declined', amount: gbp(4550), refunded: gbp(0) });
    expect(await declined.kept()).toBe(0);
    expect(await declined.history()).toEqual([
      'orders.order-placed.v1',
      'inventory.stock-reserved.v1',
      'payments.payment-declined.v1',
      'inventory.stock-released.v1',
      'orders.order-cancelled.v1',
    ]);

    // What came back can be had again, to the last piece.
    const approved = await jane.orders({ items });
    await eventually(approved).is('confirmed');
    expect(await admin.stockOf(bunting)).toBe(0);
  },
);
