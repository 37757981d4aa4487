import { anAdmin } from './shop/admin';
import { aCustomer } from './shop/customer';
import { until } from './shop/eventually';
import { eventually, type PlacedOrder } from './shop/order';
import { inAShopOfItsOwn } from './shop/running-shop';

const MISCHIEF = { BUS_MISCHIEF: 'duplicate=0.5,delay=40,reorder=0.5' };

inAShopOfItsOwn('in a shop whose messages come twice, late and in another order', MISCHIEF, (shop) => {
  test('everything happens once all the same', async () => {
    const [admin, jane] = await Promise.all([anAdmin(shop()), aCustomer({ shop: shop() })]);
    const lantern = await admin.lists({ stock: 100 });
    const ends: [paysWith: string, cancels: boolean][] = [
      ['tok_approved', false],
      ['tok_declined', false],
      ['tok_approved', true],
      ['tok_error', false],
      ['tok_slow', true],
    ];
    const orders: PlacedOrder[] = await Promise.all(
      Array.from({ length: 40 }, async (_, number) => {
        const [paysWith, cancels] = ends[number % ends.length]!;
        const order = await jane.orders({ items: [[lantern, 1]], paysWith });
        if (cancels) await order.isCancelled();
        return order;
      }),
    );
    for (const [number, order] of orders.entries()) {
      const [paysWith, cancels] = ends[number % ends.length]!;
      if (cancels) await eventually(order).is('cancelled', 'customer-request');
      else if (paysWith === 'tok_declined') await eventually(order).is('cancelled', 'payment-declined');
      else await eventually(order).is('confirmed');
      const history = await order.history();
      expect(new Set(history).size).toBe(history.length);
    }
    expect(await admin.stockOf(lantern)).toBe(100 - 16);
  });

  test('the last name of a customer is the one that stays', async () => {
    const [admin, jane] = await Promise.all([anAdmin(shop()), aCustomer({ shop: shop() })]);
    const order = await jane.orders({ items: [[await admin.lists(), 1]] });
    for (let number = 1; number <= 10; number++) {
      await jane.asks(200, 'PATCH', '/users/me', { body: { name: `Jane the ${number}th` } });
    }
    await until('orders knows the last name', async () => (await order.now()).customerName === 'Jane the 10th');
    await jane.asks(202, 'DELETE', '/users/me');
    await until('orders has forgotten it', async () => {
      return (await admin.looksAt(`/orders/${order.id}`)).customerName === null;
    });
  });
});
