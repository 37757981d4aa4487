import { anAdmin } from './shop/admin';
import { aCustomer, type Customer } from './shop/customer';
import { eventually, type PlacedOrder } from './shop/order';
import { placementOfTheRun } from './shop/placements';
import type { Product } from './shop/product';
import { inAShopOfItsOwn } from './shop/running-shop';

const here = placementOfTheRun().topology ?? 'monolith';
const elsewhere = here === 'split' ? 'monolith' : 'split';
// What becomes of them takes from no time to some seconds, so that each change meets orders at every point of their way.
const TOKENS = ['tok_approved', 'tok_slow', 'tok_declined', 'tok_error', 'tok_approved', 'tok_timeout'];

inAShopOfItsOwn(
  'in a shop that is stopped with orders open and started as another topology',
  {},
  (shop) => {
    const ordersAll = (jane: Customer, lantern: Product) =>
      Promise.all(TOKENS.map((paysWith) => jane.orders({ items: [[lantern, 1]], paysWith })));

    async function endAsTheyShould(orders: readonly PlacedOrder[]): Promise<void> {
      for (const [number, order] of orders.entries()) {
        if (TOKENS[number] === 'tok_declined') await eventually(order).is('cancelled', 'payment-declined');
        else await eventually(order).is('confirmed');
      }
    }

    test('they finish there, and those placed there finish here again', async () => {
      const [admin, jane] = await Promise.all([anAdmin(shop()), aCustomer({ shop: shop() })]);
      const lantern = await admin.lists({ stock: 50 });
      await eventually(await jane.orders({ items: [[lantern, 1]] })).is('confirmed');

      const placedHere = await ordersAll(jane, lantern);
      await shop().becomes(elsewhere);
      const placedThere = await ordersAll(jane, lantern);
      await endAsTheyShould(placedHere);
      const stillOpen = await ordersAll(jane, lantern);
      await shop().becomes(here);
      const placedAtLast = await ordersAll(jane, lantern);

      for (const orders of [placedThere, stillOpen, placedAtLast]) await endAsTheyShould(orders);
      expect(await admin.stockOf(lantern)).toBe(50 - 1 - 4 * (TOKENS.length - 1));
      for (const order of [...placedHere, ...stillOpen]) {
        const history = await order.history();
        expect(new Set(history).size).toBe(history.length);
      }
    }, 180_000);
  },
  ['shared data'],
);
