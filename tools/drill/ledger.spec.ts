import { Ledger } from './ledger';

function setup() {
  let now = 0;
  const ledger = new Ledger(
    () => 'at 25 %',
    () => now,
  );
  const after = (ms: number, act: () => string) => () => {
    now += ms;
    return Promise.resolve().then(act);
  };
  return { ledger, after };
}

describe('the ledger of a drill', () => {
  it('keeps what was acknowledged, and the longest that somebody waited for it', async () => {
    const { ledger, after } = setup();
    expect(
      await ledger.ask(
        'an order',
        after(70, () => 'placed'),
      ),
    ).toBe('placed');
    await ledger.ask(
      'a refund',
      after(30, () => 'given'),
    );
    expect(ledger).toMatchObject({ acknowledged: 2, longest: { ms: 70, what: 'an order, at 25 %' }, failed: [] });
  });

  it('writes down what failed, however long it had taken', async () => {
    const { ledger, after } = setup();
    const failing = after(90, () => {
      throw new Error('nobody answered');
    });
    expect(await ledger.ask('an order', failing)).toBeUndefined();
    expect(ledger).toMatchObject({ acknowledged: 0, longest: { ms: 90 }, failed: ['an order: nobody answered'] });
  });

  it('counts a refusal that is an answer neither as acknowledged nor as failed', async () => {
    const { ledger, after } = setup();
    const refused = after(1, () => {
      throw new Error('too late');
    });
    await ledger.ask('a cancellation', refused, () => true);
    expect(ledger).toMatchObject({ acknowledged: 0, failed: [] });
  });
});
