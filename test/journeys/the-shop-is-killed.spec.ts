import { randomUUID } from 'node:crypto';
import { anAdmin, type Admin } from './shop/admin';
import { aCustomer, orderFor, type Customer } from './shop/customer';
import { until } from './shop/eventually';
import { unmistakablePrice } from './shop/money';
import { eventually, PlacedOrder, type Order } from './shop/order';
import { booksOf } from './shop/payment-provider';
import type { Product } from './shop/product';
import { inAShopOfItsOwn } from './shop/running-shop';

const TOKENS = ['tok_approved', 'tok_declined', 'tok_approved', 'tok_error', 'tok_slow'];
const ORDERS = 60;
const KILLS = 3;
// As long as all the restarts may take that somebody has to outlast who is cut off each time.
const RESTARTS_MS = 60_000;
// Cut off, or nobody there.
const NO_ANSWER = ['UND_ERR_SOCKET', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE'];

inAShopOfItsOwn('in a shop that is killed again and again', {}, (shop) => {
  /** Asks until there is an answer, as everybody does who has an Idempotency-Key. */
  function insists(customer: Customer, path: string, call: { body: object; idempotencyKey: string }) {
    const ask = async () => {
      try {
        const answer = await customer.calls('POST', path, call);
        return answer.status !== 503 && answer.body?.code !== 'request-in-progress' && answer;
      } catch (error) {
        if (NO_ANSWER.includes((error as { code: string }).code)) return undefined;
        throw error;
      }
    };
    return until('the shop answers', ask, RESTARTS_MS);
  }

  async function place(jane: Customer, lantern: Product, number: number): Promise<PlacedOrder> {
    const body = orderFor({ items: [[lantern, 1]], paysWith: TOKENS[number % TOKENS.length]! });
    const answer = await insists(jane, '/orders', { body, idempotencyKey: `order-${number}` });
    expect(answer.status).toBe(201);
    return new PlacedOrder(jane, answer.body as Order);
  }

  async function stockIs(admin: Admin, lantern: Product, amount: number): Promise<void> {
    await until(`${amount} are in stock`, async () => (await admin.stockOf(lantern)) === amount);
  }

  test('every order that was taken comes to its end, once, and so does its money', async () => {
    const [admin, jane] = await Promise.all([anAdmin(shop()), aCustomer({ shop: shop() })]);
    const lantern = await admin.lists({ price: unmistakablePrice(), stock: ORDERS * 2 });
    await eventually(await jane.orders({ items: [[lantern, 1]], idempotencyKey: randomUUID() })).is('confirmed');

    const placing: Promise<PlacedOrder>[] = [];
    for (let kill = 0; kill < KILLS; kill++) {
      const from = (ORDERS / KILLS) * kill;
      const batch = Array.from({ length: ORDERS / KILLS }, (_, number) => place(jane, lantern, from + number));
      placing.push(...batch);
      await Promise.any(batch);
      await shop().kill();
      await shop().start();
    }
    const orders = await Promise.all(placing);
    const ends = await Promise.all(orders.map((order) => eventually(order).ends()));
    const confirmed = ends.filter(({ status }) => status === 'confirmed');
    expect(confirmed).toHaveLength(
      ends.filter((_, number) => TOKENS[number % TOKENS.length] !== 'tok_declined').length,
    );
    for (const { status, cancelReason } of ends) {
      if (status === 'cancelled') expect(cancelReason).toBe('payment-declined');
    }

    // One for each key, and the one that was placed before.
    expect((await jane.reads('/orders?limit=100')).items).toHaveLength(ORDERS + 1);
    await stockIs(admin, lantern, ORDERS * 2 - confirmed.length - 1);
    const captures = (await booksOf(shop().providerUrl)).filter(
      ({ kind, outcome, amount }) => kind === 'capture' && outcome === 'captured' && amount === lantern.price.amount,
    );
    expect(captures).toHaveLength(confirmed.length + 1);
    for (const order of orders) {
      const history = await order.history();
      for (const ending of ['orders.order-confirmed.v1', 'orders.order-cancelled.v1', 'payments.payment-captured.v1']) {
        expect(history.filter((type) => type === ending).length).toBeLessThanOrEqual(1);
      }
    }
  }, 90_000);

  test('a cancellation that was accepted is carried out', async () => {
    const [admin, jane] = await Promise.all([anAdmin(shop()), aCustomer({ shop: shop() })]);
    const lantern = await admin.lists({ stock: 10 });
    const orders = await Promise.all(
      ['tok_approved', 'tok_slow', 'tok_timeout'].map((paysWith) => jane.orders({ items: [[lantern, 1]], paysWith })),
    );
    await eventually(orders[0]!).is('confirmed');
    await Promise.all(orders.map((order) => order.isCancelled()));
    await shop().kill();
    await shop().start();
    for (const order of orders) {
      await eventually(order).is('cancelled', 'customer-request');
      expect(await order.kept()).toBe(0);
    }
    await stockIs(admin, lantern, 10);
  }, 60_000);
});
