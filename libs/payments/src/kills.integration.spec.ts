import { once } from 'node:events';
import { cancelPayment } from '../test/rest-of-the-shop';
import { setup, type Setup, until } from '../test/setup';

jest.setTimeout(150_000);

let shop: Setup;
beforeAll(async () => {
  shop = await setup({ hosted: false });
});
afterAll(() => shop.close());

it('charges once, gives back once and answers once, though it is killed at every step', async () => {
  const kept: string[] = [];
  const undone: string[] = [];
  for (const point of [
    'payments.capture.before-commit',
    'payments.capture.before-ask',
    'payments.capture.after-ask',
    'payments.outcome.before-commit',
    'payments.outcome.after-commit',
    'payments.cancel.before-commit',
    'payments.refund.before-ask',
    'payments.refund.after-ask',
    'payments.refund.before-settled',
    'payments.refund.after-settled',
  ]) {
    const child = await shop.startProcess(`${point}=kill@1`);
    const [keeps, cancels] = [await shop.capture('tok_approved'), await shop.capture('tok_approved')];
    await until(async () => child.signalCode !== null || (await shop.toldOf(cancels)).length > 0);
    await shop.send(cancelPayment({ orderId: cancels }));
    await until(() => child.signalCode === 'SIGKILL');
    kept.push(keeps);
    undone.push(cancels);
  }
  const last = await shop.startProcess();

  for (const order of kept) {
    await shop.tellsOf(order, ['payment-captured']);
    const { id } = await shop.paymentOf(order);
    expect(await shop.booksOf(id)).toMatchObject([{ outcome: 'captured', amount: 2550, refunded: 0 }]);
  }
  for (const order of undone) {
    await until(async () => (await shop.toldOf(order)).at(-1)?.type === 'payment-cancelled');
    const { id } = await shop.paymentOf(order);
    const [charge, ...refunds] = await shop.booksOf(id);
    const wasCharged = charge!.outcome === 'captured';
    expect(refunds).toHaveLength(wasCharged ? 1 : 0);
    expect(charge!.refunded).toBe(charge!.amount);
    const told = await shop.toldOf(order);
    expect(told.map(({ type }) => type)).toEqual([...(wasCharged ? ['payment-captured'] : []), 'payment-cancelled']);
    expect(told.at(-1)!.data['refunded']).toMatchObject({ amount: charge!.amount });
  }
  last.kill('SIGKILL');
  await once(last, 'exit');
});
