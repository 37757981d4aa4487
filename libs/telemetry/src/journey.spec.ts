import { beginJourney, currentJourney, inJourney } from './index';

describe('a journey', () => {
  it('is kept through everything that its work awaits', async () => {
    const journey = beginJourney({ correlationId: 'order-of-today' });
    await inJourney(journey, async () => {
      await new Promise((resolve) => setImmediate(resolve));
      expect(currentJourney()).toBe(journey);
    });
    expect(currentJourney()).not.toBe(journey);
  });

  it.each(['a', 'A-1.b_2', 'x'.repeat(128)])('takes the correlation id %s', (correlationId) => {
    expect(beginJourney({ correlationId }).correlationId).toBe(correlationId);
  });

  it.each([undefined, '', 'x'.repeat(129), 'a b', 'a\nb', '{"a":1}', 'é', ['a'], 7])(
    'makes up a correlation id instead of %j',
    (correlationId) => {
      expect(beginJourney({ correlationId }).correlationId).toMatch(/^[0-9a-f-]{36}$/);
    },
  );

  const trace = '4bf92f3577b34da6a3ce929d0e0e4736';

  it('continues the trace it was sent, under a parent id of its own', () => {
    const sent = { traceparent: `00-${trace}-00f067aa0ba902b7-01`, tracestate: 'vendor=1' };
    const { traceparent, tracestate } = beginJourney(sent);
    expect(traceparent).toMatch(new RegExp(`^00-${trace}-[0-9a-f]{16}-01$`));
    expect(traceparent).not.toBe(sent.traceparent);
    expect(tracestate).toBe('vendor=1');
  });

  it('ignores what a later version of the header adds', () => {
    expect(beginJourney({ traceparent: `01-${trace}-00f067aa0ba902b7-01-more` }).traceparent).toContain(trace);
  });

  it.each([
    undefined,
    'nonsense',
    `ff-${trace}-00f067aa0ba902b7-01`,
    `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
    `00-${trace}-${'0'.repeat(16)}-01`,
    `00-${trace.toUpperCase()}-00f067aa0ba902b7-01`,
    `00-${trace}-00f067aa0ba902b7-01-more`,
  ])('begins a trace instead of %s', (traceparent) => {
    const journey = beginJourney({ traceparent, tracestate: 'vendor=1' });
    expect(journey.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
    expect(journey.traceparent).not.toContain(trace);
    expect(journey).not.toHaveProperty('tracestate');
  });
});
