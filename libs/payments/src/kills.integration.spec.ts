import { once } from 'node:events';
import { v7 as uuidv7 } from 'uuid';
import { cancelPayment } from '../test/rest-of-the-shop';
import { setup, type Setup, until } from '../test/setup';

jest.setTimeout(60_000);

let shop: Setup;
beforeAll(async () => {
  shop = await setup({ hosted: false });
});
afterAll(() => shop.close());

const captured = ['payment-captured'];
const undone = ['payment-captured', 'payment-cancelled'];

it.each([
  ['payments.capture.before-commit', captured],
  ['consumer.after-commit', captured],
  ['payments.capture.before-ask', captured],
  ['payments.capture.after-ask', captured],
  ['payments.outcome.before-commit', captured],
  ['payments.outcome.after-commit', captured],
  ['payments.cancel.before-commit', undone],
  ['payments.refund.before-ask', undone],
  ['payments.refund.after-ask', undone],
  ['payments.refund.before-settled', undone],
  ['payments.refund.after-settled', undone],
])('killed at %s, payments charges once, gives back once, and says so once', async (point, types) => {
  const order = uuidv7();
  const child = await shop.startProcess(`${point}=kill@1`);
  await shop.capture('tok_approved', { order });
  if (types === undone) {
    await Promise.race([shop.tellsOf(order, captured), once(child, 'exit')]);
    await shop.send(cancelPayment({ orderId: order }));
  }
  await until(() => child.signalCode === 'SIGKILL');

  const next = await shop.startProcess();
  await until(async () => (await shop.toldOf(order)).length === types.length);
  expect((await shop.toldOf(order)).map(({ type }) => type)).toEqual(types);
  const { id } = await shop.paymentOf(order);
  expect(await shop.booksOf(id)).toHaveLength(types.length);
  next.kill('SIGKILL');
  await once(next, 'exit');
});
