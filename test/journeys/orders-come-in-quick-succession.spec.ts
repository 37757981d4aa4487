import { anAdmin } from './shop/admin';
import { aCustomer } from './shop/customer';
import { readOf } from './shop/database';
import { eventually } from './shop/order';
import { inAShopOfItsOwn } from './shop/running-shop';

const ORDERS = 120;
// What belongs to one order, read as often as there are hops; a table read whole for each order is far more.
const ROWS_PER_ORDER = 25;

inAShopOfItsOwn('in a shop whose database knows nothing of its tables yet', {}, (shop) => {
  test('an order takes no longer for all that were placed before it: each row is reached by its key', async () => {
    const [admin, jane] = await Promise.all([anAdmin(shop()), aCustomer({ shop: shop() })]);
    const lantern = await admin.lists({ stock: ORDERS });
    for (let placed = 0; placed < ORDERS; placed += 8) {
      const orders = await Promise.all(Array.from({ length: 8 }, () => jane.orders({ items: [[lantern, 1]] })));
      await Promise.all(orders.map((order) => eventually(order).is('confirmed')));
    }
    // Servers count a session's reads at its end.
    await shop().stop();
    const { rows, scans } = await readOf(shop().databaseUrls[0]!);
    const read = Object.entries(rows).filter(([, count]) => count > ROWS_PER_ORDER * ORDERS);
    expect({ read, scans }).toEqual({ read: [], scans: [] });
    await shop().start();
  }, 120_000);
});
