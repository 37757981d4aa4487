import { setTimeout as pause } from 'node:timers/promises';
import { arm, disarmFailpoints, timesFired } from '@banyan/failpoints';
import { v7 as uuidv7 } from 'uuid';
import { cancelPayment, userErased } from '../test/rest-of-the-shop';
import { pounds, setup, type Setup, until } from '../test/setup';

jest.setTimeout(60_000);

let shop: Setup;
beforeAll(async () => {
  shop = await setup();
});
afterEach(() => disarmFailpoints());
afterAll(() => shop.close());

describe('capturing', () => {
  it('takes the money once and says so', async () => {
    const order = await shop.capture('tok_approved');
    const [captured] = await shop.tellsOf(order, ['payment-captured']);

    const payment = await shop.paymentOf(order);
    expect(payment).toMatchObject({
      status: 'captured',
      amount: pounds(2550),
      refunded: pounds(0),
      provider: 'simulated',
    });
    expect(captured!.data).toEqual({ orderId: order, paymentId: payment.id, total: pounds(2550) });
    expect(await shop.booksOf(payment.id)).toMatchObject([{ kind: 'capture', outcome: 'captured', amount: 2550 }]);
  });

  it.each([
    ['tok_declined', 'card-declined'],
    ['tok_insufficient_funds', 'insufficient-funds'],
  ])('says why %s was declined', async (card, reason) => {
    const order = await shop.capture(card);
    const [declined] = await shop.tellsOf(order, ['payment-declined']);
    expect(declined!.data).toEqual({ orderId: order, reason });
    expect(await shop.paymentsOf(order)).toMatchObject([{ status: 'declined' }]);
  });

  it.each(['tok_timeout', 'tok_slow', 'tok_error'])('finds out what became of %s and charges it once', async (card) => {
    const order = await shop.capture(card);
    await shop.tellsOf(order, ['payment-captured']);
    const payment = await shop.paymentOf(order);
    expect(await shop.booksOf(payment.id)).toHaveLength(1);
  });

  it('declines a token that was scrubbed long ago', async () => {
    const order = await shop.capture('scrubbed');
    const [declined] = await shop.tellsOf(order, ['payment-declined']);
    expect(declined!.data['reason']).toBe('unknown-token');
  });

  it('keeps the token no longer than it is needed', async () => {
    const order = await shop.capture('tok_approved');
    await shop.tellsOf(order, ['payment-captured']);
    const [row] = await shop.payments.query('SELECT token FROM payment WHERE order_id = $1', [order]);
    expect(row).toEqual({ token: null });
  });

  it('takes nothing for a second command about the same order', async () => {
    const order = await shop.capture('tok_approved');
    await shop.capture('tok_approved', { order });
    await shop.tellsOf(order, ['payment-captured']);
    await shop.handledAll();
    expect(await shop.tellsOf(order, ['payment-captured'])).toHaveLength(1);
    expect(await shop.paymentsOf(order)).toHaveLength(1);
  });

  it('goes on when the provider is killed in the middle', async () => {
    const orders = await Promise.all(Array.from({ length: 40 }, () => shop.capture('tok_approved')));
    await shop.provider.kill();
    await shop.provider.start();
    await Promise.all(orders.map((order) => shop.tellsOf(order, ['payment-captured'])));
  });

  it('stays ready while the provider is away, says so, and captures once it is back', async () => {
    const provider = async () => (await shop.health()).provider;
    await shop.provider.kill();
    const order = await shop.capture('tok_approved');
    await until(async () => (await provider()) === 'degraded').finally(() => shop.provider.start());
    expect((await shop.health()).statusCode).toBe(200);
    await shop.tellsOf(order, ['payment-captured']);
    await until(async () => (await provider()) === 'up');
  });
});

describe('what does not go well', () => {
  it.each([
    'payments.capture.before-ask',
    'payments.capture.after-ask',
    'payments.outcome.before-commit',
    'payments.outcome.after-commit',
  ])('a failure at %s is made good', async (point) => {
    arm({ name: point, act: 'throw', hit: 1 }, 'test');
    const order = await shop.capture('tok_approved');
    await shop.tellsOf(order, ['payment-captured']);
    expect(timesFired(point)).toBe(1);
    expect(await shop.booksOf((await shop.paymentOf(order)).id)).toHaveLength(1);
  });

  it.each(['payments.capture.before-ask', 'payments.capture.after-ask'])(
    'a payment that one instance is stuck with at %s is settled by another',
    async (point) => {
      arm({ name: point, act: 'hang', hit: 1 }, 'test');
      const order = await shop.capture('tok_approved');
      await until(() => timesFired(point) === 1);
      await shop.startAnother();
      await shop.tellsOf(order, ['payment-captured']);
      expect(await shop.booksOf((await shop.paymentOf(order)).id)).toHaveLength(1);
    },
  );
});

describe('an instance that ends', () => {
  let own: Setup;
  beforeEach(async () => (own = await setup()));
  afterEach(() => own.close());

  it('leaves to others at once what has no answer yet', async () => {
    arm({ name: 'payments.capture.before-ask', act: 'hang', hit: 1 }, 'test');
    const order = await own.capture('tok_approved');
    await until(() => timesFired('payments.capture.before-ask') === 1);
    const due = `SELECT order_id FROM payments.payment WHERE status = 'pending' AND ask_again_at <= now()`;
    expect(await own.leave(due)).toEqual([{ order_id: order }]);
  });
});

describe('cancelling', () => {
  it('answers with nothing where no capture was asked for, and prevents it for good', async () => {
    const order = uuidv7();
    await shop.send(cancelPayment({ orderId: order }));
    const [cancelled] = await shop.tellsOf(order, ['payment-cancelled']);
    expect(cancelled!.data['refunded']).toEqual({ amount: 0, currency: 'XXX' });

    await shop.capture('tok_approved', { order });
    await shop.handledAll();
    expect(await shop.paymentsOf(order)).toEqual([]);
  });

  it('gives everything back after the capture', async () => {
    const order = await shop.capture('tok_approved');
    await shop.tellsOf(order, ['payment-captured']);
    await shop.send(cancelPayment({ orderId: order }));
    const [, cancelled] = await shop.tellsOf(order, ['payment-captured', 'payment-cancelled']);
    expect(cancelled!.data['refunded']).toEqual(pounds(2550));
    const payment = await shop.paymentOf(order);
    expect(payment).toMatchObject({ status: 'refunded', refunded: pounds(2550) });
    expect(await shop.booksOf(payment.id)).toMatchObject([{ refunded: 2550 }, { kind: 'refund', amount: 2550 }]);
  });

  it('prevents a capture that has not reached the provider', async () => {
    arm({ name: 'payments.capture.before-ask', act: 'hang', hit: 1 }, 'test');
    const order = await shop.capture('tok_approved');
    await until(() => timesFired('payments.capture.before-ask') === 1);
    await shop.send(cancelPayment({ orderId: order }));
    const [cancelled] = await shop.tellsOf(order, ['payment-cancelled']);
    expect(cancelled!.data['refunded']).toEqual(pounds(0));
    const payment = await shop.paymentOf(order);
    expect(payment.status).toBe('declined');
    expect(await shop.booksOf(payment.id)).toMatchObject([{ outcome: 'voided' }]);
  });

  it('finds out a capture that is on its way, and gives it back', async () => {
    const order = await shop.capture('tok_timeout');
    await until(async () => (await shop.paymentsOf(order)).length === 1);
    const { id } = await shop.paymentOf(order);
    await until(async () => (await shop.booksOf(id)).length === 1);
    await shop.send(cancelPayment({ orderId: order }));
    const [, cancelled] = await shop.tellsOf(order, ['payment-captured', 'payment-cancelled']);
    expect(cancelled!.data['refunded']).toEqual(pounds(2550));
  });

  it.each(['tok_approved', 'tok_declined', 'tok_error', 'tok_slow', 'tok_timeout'])(
    'leaves no money behind when it races with %s',
    async (card) => {
      const orders = Array.from({ length: 8 }, () => uuidv7());
      await Promise.all(
        orders.map(async (order) => {
          await shop.capture(card, { order });
          await pause(Math.random() * 40);
          await shop.send(cancelPayment({ orderId: order }));
        }),
      );
      for (const order of orders) {
        await until(async () => (await shop.toldOf(order)).at(-1)?.type === 'payment-cancelled');
        const { id } = await shop.paymentOf(order);
        const [charge] = await shop.booksOf(id);
        expect(charge!.amount - charge!.refunded).toBe(charge!.outcome === 'declined' ? charge!.amount : 0);
        const answers = (await shop.toldOf(order)).filter(({ type }) => type === 'payment-cancelled');
        expect(answers.map(({ data }) => data)).toEqual([{ orderId: order, refunded: pounds(charge!.refunded) }]);
      }
    },
  );

  it('answers each command once, also when all of them are heard again', async () => {
    const order = await shop.capture('tok_approved');
    await shop.send(cancelPayment({ orderId: order }), cancelPayment({ orderId: order }));
    await until(async () => (await shop.toldOf(order)).length === 3);
    const told = await shop.toldOf(order);
    expect(told.map(({ type }) => type)).toEqual(['payment-captured', 'payment-cancelled', 'payment-cancelled']);

    await shop.hearAgain(order);
    expect(await shop.toldOf(order)).toEqual(told);
    expect(await shop.booksOf((await shop.paymentOf(order)).id)).toHaveLength(2);
  });
});

describe('refunding', () => {
  it('sets the amount aside, gives it back and tells what remains', async () => {
    const payment = await shop.captured();
    const answer = await shop.refund(payment.id, { amount: pounds(550) });
    expect(answer.statusCode).toBe(201);
    expect(answer.json()).toEqual({
      id: expect.any(String),
      paymentId: payment.id,
      amount: pounds(550),
      createdAt: expect.stringMatching(/Z$/),
    });
    const [, refunded] = await shop.tellsOf(payment.orderId, ['payment-captured', 'payment-refunded']);
    expect(refunded!.data).toEqual({
      orderId: payment.orderId,
      paymentId: payment.id,
      refundId: answer.json().id,
      amount: pounds(550),
      remaining: pounds(2000),
    });
    expect((await shop.paymentsOf(payment.orderId))[0]).toMatchObject({
      status: 'partially-refunded',
      refunded: pounds(550),
    });
  });

  it('gives back the rest when no amount is named, with or without a body', async () => {
    for (const body of [{}, undefined]) {
      const payment = await shop.captured();
      await shop.refund(payment.id, { amount: pounds(1000) });
      expect((await shop.refund(payment.id, body)).json().amount).toEqual(pounds(1550));
      expect((await shop.refund(payment.id, body)).json()).toMatchObject({
        status: 409,
        code: 'payment-not-refundable',
      });
    }
  });

  it('leaves the rest for a cancellation', async () => {
    const payment = await shop.captured();
    await shop.refund(payment.id, { amount: pounds(1000) });
    await shop.send(cancelPayment({ orderId: payment.orderId }));
    const [, , cancelled] = await shop.tellsOf(payment.orderId, [
      'payment-captured',
      'payment-refunded',
      'payment-cancelled',
    ]);
    expect(cancelled!.data['refunded']).toEqual(pounds(1550));
    const [charge] = await shop.booksOf(payment.id);
    expect(charge!.refunded).toBe(2550);
    expect((await shop.refund(payment.id)).json()).toMatchObject({ code: 'payment-not-refundable' });
  });

  it('never gives back more than was taken, however many ask at once', async () => {
    const payment = await shop.captured();
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => shop.refund(payment.id, { amount: pounds(1000) })),
    );
    expect(answers.map(({ statusCode }) => statusCode).filter((status) => status === 201)).toHaveLength(2);
    expect(answers.map(({ statusCode }) => statusCode).filter((status) => status === 422)).toHaveLength(8);
    await until(async () => (await shop.booksOf(payment.id))[0]!.refunded === 2000);
  });

  it('has one effect per key, and gives the same answer again', async () => {
    const payment = await shop.captured();
    const key = uuidv7();
    const first = await shop.refund(payment.id, { amount: pounds(100) }, key);
    const again = await shop.refund(payment.id, { amount: pounds(100) }, key);
    expect(again.statusCode).toBe(201);
    expect(again.body).toBe(first.body);
    expect((await shop.refund(payment.id, { amount: pounds(101) }, key)).json()).toMatchObject({
      status: 422,
      code: 'idempotency-key-reused',
    });
    expect((await shop.paymentsOf(payment.orderId))[0]!.refunded).toEqual(pounds(100));
  });

  it.each([
    ['more than was taken', { amount: pounds(2551) }, 422, 'amount-exceeds-capture'],
    ['another currency', { amount: { amount: 1, currency: 'EUR' } }, 422, 'currency-mismatch'],
    ['nothing', { amount: pounds(0) }, 400, 'validation-failed'],
    ['something unknown', { amount: pounds(1), why: 'x' }, 400, 'validation-failed'],
  ])('refuses %s', async (_, body, status, code) => {
    const payment = await shop.captured();
    expect((await shop.refund(payment.id, body)).json()).toMatchObject({ status, code });
  });

  it('needs a key, an admin and a payment', async () => {
    const payment = await shop.captured();
    expect((await shop.refund(payment.id, {}, null)).json()).toMatchObject({
      status: 400,
      code: 'idempotency-key-required',
    });
    expect((await shop.refund(uuidv7())).json()).toMatchObject({ status: 404, code: 'payment-not-found' });
    const asCustomer = await shop.call('POST', `/payments/${payment.id}/refunds`, {
      user: payment.customer,
      key: uuidv7(),
    });
    expect(asCustomer.statusCode).toBe(403);
  });
});

describe('looking', () => {
  it('shows a customer their own payment and nobody else’s', async () => {
    const payment = await shop.captured();
    const other = uuidv7();
    expect((await shop.call('GET', `/payments/${payment.id}`, { user: payment.customer })).json()).toEqual(
      expect.objectContaining({ id: payment.id, status: 'captured' }),
    );
    expect((await shop.call('GET', `/payments/${payment.id}`, { user: other })).statusCode).toBe(404);
    const lists = await Promise.all(
      [payment.customer, other].map((user) => shop.call('GET', `/payments?orderId=${payment.orderId}`, { user })),
    );
    expect(lists.map((list) => list.json().items.length)).toEqual([1, 0]);
    expect((await shop.call('GET', '/payments', { user: other })).statusCode).toBe(400);
  });

  it('refuses the tokens of a user who was erased', async () => {
    const payment = await shop.captured();
    await shop.send(userErased({ userId: payment.customer }));
    await until(
      async () => (await shop.call('GET', `/payments/${payment.id}`, { user: payment.customer })).statusCode === 401,
    );
  });
});

describe('the database itself', () => {
  it.each([
    ['leaving a terminal state', `UPDATE payment SET status = 'declined', decline_reason = 'x'`],
    ['refunding more than was captured', 'UPDATE payment SET refunded = amount + 1'],
    ['giving back what was not set aside', 'UPDATE payment SET given_back = refunded + 1'],
    ['changing what was charged', 'UPDATE payment SET amount = amount + 1'],
  ])('refuses %s', async (_, sql) => {
    const payment = await shop.captured();
    await expect(shop.payments.query(`${sql} WHERE id = $1`, [payment.id])).rejects.toMatchObject({
      code: expect.stringMatching(/^23/),
    });
  });
});
