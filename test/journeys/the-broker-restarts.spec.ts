import { anAdmin } from './shop/admin';
import { aCustomer } from './shop/customer';
import { eventually } from './shop/order';
import { inAShopOfItsOwn } from './shop/running-shop';

inAShopOfItsOwn(
  'in a shop whose broker is killed and started again',
  {},
  (shop) => {
    test('orders are taken meanwhile, and go on where they were', async () => {
      const [admin, jane] = await Promise.all([anAdmin(shop()), aCustomer({ shop: shop() })]);
      const lantern = await admin.lists({ stock: 30 });
      await eventually(await jane.orders({ items: [[lantern, 1]] })).is('confirmed');

      const placing = () => Promise.all(Array.from({ length: 5 }, () => jane.orders({ items: [[lantern, 1]] })));
      const before = await placing();
      await shop().broker!.kill();
      const meanwhile = await placing();
      await shop().broker!.start();
      const after = await placing();

      for (const order of [...before, ...meanwhile, ...after]) await eventually(order).is('confirmed');
      expect(await admin.stockOf(lantern)).toBe(14);
      for (const order of meanwhile) {
        await order.hears('inventory.stock-committed.v1');
        expect(await order.history()).toEqual([
          'orders.order-placed.v1',
          'inventory.stock-reserved.v1',
          'payments.payment-captured.v1',
          'orders.order-confirmed.v1',
          'inventory.stock-committed.v1',
        ]);
      }
    }, 120_000);
  },
  ['a broker'],
);
