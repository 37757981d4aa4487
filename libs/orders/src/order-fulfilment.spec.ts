import fc from 'fast-check';
import { begin, orderFulfilment, orderStatusOf, type Fulfilment, type FulfilmentHeard } from './order-fulfilment';
import * as heard from './subscriptions';

const ANSWER_DEADLINE_MS = 120_000;
const { step } = orderFulfilment(ANSWER_DEADLINE_MS);
const orderId = '01980f2e-7c00-7000-8000-00000000000a';
const order = {
  orderId,
  customerId: '01980f2e-7c00-7000-8000-00000000000d',
  total: { amount: 1950, currency: 'GBP' },
  paymentToken: 'tok_approved',
};
const lines = [{ productId: '01980f2e-7c00-7000-8000-000000000001', quantity: 3 }];

const deadlinePassed: FulfilmentHeard = { type: 'deadline-passed' };
const customerCancels: FulfilmentHeard = { type: 'cancellation-requested', reason: 'customer-request' };
const hear = ({ type }: { type: string }) => ({ type }) as FulfilmentHeard;

/** A conversation with a fulfilment that has just begun: what it sent at each turn, and where it ended. */
function conversation(...inputs: FulfilmentHeard[]) {
  const beginning = begin(order, lines);
  let state: Fulfilment = beginning.state;
  let ended = false;
  const turns = [beginning.send.map(({ definition }) => definition.type)];
  let last: ReturnType<typeof step>;
  for (const input of inputs) {
    last = step(state, input, 1);
    state = last?.state ?? state;
    if (last) ended = last.ended ?? false;
    turns.push((last?.send?.({ id: 'cause', correlationId: 'c' }) ?? []).map(({ definition }) => definition.type));
  }
  return { turns, said: turns.at(-1), state, ended, last, status: orderStatusOf(state) };
}

describe('the fulfilment of an order', () => {
  it('begins by announcing the order and asking for its goods', () => {
    expect(conversation()).toMatchObject({
      said: ['orders.order-placed.v1', 'inventory.reserve-stock.v1'],
      status: 'pending',
    });
  });

  it('asks for the payment once the goods are reserved, with a deadline, and forgets the token', () => {
    const { said, status, last, state } = conversation(hear(heard.stockReserved));
    expect({ said, status }).toEqual({ said: ['payments.capture-payment.v1'], status: 'pending' });
    expect(last?.deadlineIn).toBe(ANSWER_DEADLINE_MS);
    expect(JSON.stringify(state)).not.toContain('tok_approved');
  });

  it('confirms once the payment is taken, waits no longer, and ends once the goods are set aside', () => {
    const confirmed = conversation(hear(heard.stockReserved), hear(heard.paymentCaptured));
    expect(confirmed).toMatchObject({
      said: ['orders.order-confirmed.v1', 'inventory.commit-stock.v1'],
      status: 'confirmed',
      ended: false,
      last: { deadlineIn: null },
    });
    const fulfilled = conversation(hear(heard.stockReserved), hear(heard.paymentCaptured), hear(heard.stockCommitted));
    expect(fulfilled).toMatchObject({ said: [], status: 'confirmed', ended: true });
  });

  it('is cancelled where the goods are short, with nothing to undo', () => {
    expect(conversation(hear(heard.stockRejected))).toMatchObject({
      said: ['orders.order-cancelled.v1'],
      status: 'cancelled',
      state: { reason: 'out-of-stock' },
      ended: true,
    });
  });

  it('gives the goods back where the payment is declined, and is cancelled once they are', () => {
    const declined = [hear(heard.stockReserved), hear(heard.paymentDeclined)];
    expect(conversation(...declined)).toMatchObject({ said: ['inventory.release-stock.v1'], status: 'cancelling' });
    expect(conversation(...declined, hear(heard.stockReleased))).toMatchObject({
      said: ['orders.order-cancelled.v1'],
      state: { phase: 'cancelled', reason: 'payment-declined' },
      ended: true,
    });
  });

  it('undoes only the reservation where no answer to that came in time', () => {
    const late = [deadlinePassed];
    expect(conversation(...late)).toMatchObject({ said: ['inventory.release-stock.v1'], status: 'cancelling' });
    // The answer comes after all: the release behind it in the same stream takes care of it.
    expect(conversation(...late, hear(heard.stockReserved))).toMatchObject({ said: [], status: 'cancelling' });
    expect(conversation(...late, hear(heard.stockReserved), hear(heard.stockReleased))).toMatchObject({
      status: 'cancelled',
      state: { reason: 'timed-out' },
    });
  });

  it('undoes both where the payment took too long, and waits for both answers in any order', () => {
    const late = [hear(heard.stockReserved), deadlinePassed];
    expect(conversation(...late).said).toEqual(['inventory.release-stock.v1', 'payments.cancel-payment.v1']);
    expect(conversation(...late, hear(heard.paymentCaptured)).status).toBe('cancelling');
    for (const answers of [
      [hear(heard.stockReleased), hear(heard.paymentCancelled)],
      [hear(heard.paymentCancelled), hear(heard.stockReleased)],
    ]) {
      expect(conversation(...late, answers[0] as FulfilmentHeard).status).toBe('cancelling');
      expect(conversation(...late, ...answers).status).toBe('cancelled');
    }
  });

  it.each([
    ['before anything was answered', [], ['inventory.release-stock.v1']],
    [
      'while the payment is asked for',
      [heard.stockReserved],
      ['inventory.release-stock.v1', 'payments.cancel-payment.v1'],
    ],
    [
      'after it was confirmed',
      [heard.stockReserved, heard.paymentCaptured],
      ['inventory.release-stock.v1', 'payments.cancel-payment.v1'],
    ],
    [
      'after it was fulfilled',
      [heard.stockReserved, heard.paymentCaptured, heard.stockCommitted],
      ['inventory.release-stock.v1', 'payments.cancel-payment.v1'],
    ],
  ])('lets the customer cancel %s', (_when, before, asked) => {
    const { said, status, ended, state } = conversation(...before.map(hear), customerCancels);
    expect({ said, status, ended }).toEqual({ said: asked, status: 'cancelling', ended: false });
    expect(state).toMatchObject({ reason: 'customer-request' });
  });

  it('ignores a deadline that is no longer its own, and a second cancellation', () => {
    expect(conversation(hear(heard.stockReserved), hear(heard.paymentCaptured), deadlinePassed).status).toBe(
      'confirmed',
    );
    expect(conversation(customerCancels, customerCancels).said).toEqual([]);
  });

  it('ends whatever is heard in whatever order, once everything asked for has been answered', () => {
    const inputs = [...heard.fulfilmentMessages.map(hear), deadlinePassed, customerCancels];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...inputs), { maxLength: 20 }), (noise) => {
        // A cancellation and the answers to all that it may ask for bring any order to its end.
        const { status, ended, turns } = conversation(
          ...noise,
          customerCancels,
          hear(heard.stockReleased),
          hear(heard.paymentCancelled),
        );
        expect({ status, ended }).toEqual({ status: 'cancelled', ended: true });
        const sent = turns.flat();
        const times = (type: string) => sent.filter((other) => other === type).length;
        expect(times('payments.capture-payment.v1')).toBeLessThanOrEqual(1);
        expect(times('orders.order-cancelled.v1')).toBe(1);
        expect(times('orders.order-confirmed.v1')).toBeLessThanOrEqual(1);
        if (times('payments.capture-payment.v1') === 1 && times('inventory.release-stock.v1') === 1) {
          const declined = noise.some(({ type }) => type === heard.paymentDeclined.type);
          expect(times('payments.cancel-payment.v1') === 1 || declined).toBe(true);
        }
      }),
    );
  });
});
