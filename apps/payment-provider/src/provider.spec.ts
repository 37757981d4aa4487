import { v7 as uuidv7 } from 'uuid';
import { ProviderProcess } from '../test/provider-process';

describe('the simulated payment provider', () => {
  let provider: ProviderProcess;

  beforeAll(async () => {
    provider = new ProviderProcess();
    await provider.start();
  });
  afterAll(() => provider.remove());

  it('charges once per key, however often it is asked', async () => {
    const key = uuidv7();
    const answers = await Promise.all(Array.from({ length: 20 }, () => capture(key, 'tok_approved')));

    expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1);
    expect(answers[0]).toMatchObject({ status: 200, body: { outcome: 'captured', amount: 2550, currency: 'GBP' } });
    expect(await linesOf(key)).toHaveLength(1);
  });

  it('refuses a key that was used for another charge', async () => {
    const key = uuidv7();
    await capture(key, 'tok_approved', 100);
    expect(await capture(key, 'tok_approved', 101)).toMatchObject({
      status: 409,
      body: { error: 'key-reused' },
    });
  });

  it.each([
    ['tok_declined', 'card-declined'],
    ['tok_insufficient_funds', 'insufficient-funds'],
  ])('declines %s for good', async (token, reason) => {
    const key = uuidv7();
    const declined = { status: 200, body: { outcome: 'declined', reason } };
    expect(await capture(key, token)).toMatchObject(declined);
    expect(await call('GET', `/captures/${key}`)).toMatchObject(declined);
    expect(await call('PUT', `/refunds/${uuidv7()}`, { captureKey: key, amount: 1 })).toMatchObject({
      status: 422,
      body: { error: 'capture-not-found' },
    });
  });

  it('refuses a token that is not one of its own, and leaves the key free', async () => {
    const key = uuidv7();
    expect(await capture(key, 'tok_unheard_of')).toMatchObject({
      status: 400,
      body: { error: 'unknown-token' },
    });
    expect((await call('GET', `/captures/${key}`)).status).toBe(404);
  });

  it('charges tok_slow at once and answers after three seconds', async () => {
    const key = uuidv7();
    const began = Date.now();
    const slow = capture(key, 'tok_slow');
    await until(async () => (await call('GET', `/captures/${key}`)).status === 200);
    expect(Date.now() - began).toBeLessThan(2_500);

    expect(await slow).toMatchObject({ status: 200, body: { outcome: 'captured' } });
    expect(Date.now() - began).toBeGreaterThanOrEqual(2_950);
  });

  it('charges tok_timeout, never answers, and tells the outcome when asked for it', async () => {
    const key = uuidv7();
    const impatience = new AbortController();
    const unanswered = capture(key, 'tok_timeout', 2550, impatience.signal);
    unanswered.catch(() => undefined);
    await until(async () => (await call('GET', `/captures/${key}`)).body.outcome === 'captured');
    impatience.abort();
    await expect(unanswered).rejects.toThrow();
    expect(await linesOf(key)).toHaveLength(1);
  });

  it('fails twice for tok_error, counting across a kill -9, then approves', async () => {
    const key = uuidv7();
    expect((await capture(key, 'tok_error')).status).toBe(500);
    await provider.kill();
    await provider.start();
    expect((await call('GET', `/captures/${key}`)).status).toBe(404);
    expect((await capture(key, 'tok_error')).status).toBe(503);
    expect(await capture(key, 'tok_error')).toMatchObject({ status: 200, body: { outcome: 'captured' } });
  });

  it('closes an unused key for good when it is voided, and tells the outcome of a used one', async () => {
    const [unused, used] = [uuidv7(), uuidv7()];
    expect(await call('POST', `/captures/${unused}/void`)).toMatchObject({ body: { outcome: 'voided' } });
    expect(await capture(unused, 'tok_approved')).toMatchObject({ status: 200, body: { outcome: 'voided' } });

    await capture(used, 'tok_approved');
    expect(await call('POST', `/captures/${used}/void`)).toMatchObject({ body: { outcome: 'captured' } });
  });

  it('refunds once per key and never more than is left', async () => {
    const [captureKey, first, second] = [uuidv7(), uuidv7(), uuidv7()];
    await capture(captureKey, 'tok_approved', 1000);
    const refund = () => call('PUT', `/refunds/${first}`, { captureKey, amount: 700 });
    expect(await refund()).toMatchObject({ status: 200, body: { outcome: 'refunded', amount: 700, currency: 'GBP' } });
    expect(await refund()).toMatchObject({ status: 200 });
    expect(await call('PUT', `/refunds/${first}`, { captureKey, amount: 1 })).toMatchObject({ status: 409 });
    expect(await call('PUT', `/refunds/${second}`, { captureKey, amount: 301 })).toMatchObject({
      status: 422,
      body: { error: 'exceeds-capture' },
    });
    expect((await call('GET', `/refunds/${second}`)).status).toBe(404);
    expect((await call('GET', `/captures/${captureKey}`)).body.refunded).toBe(700);
  });

  it('keeps every charge that it answered through kill -9 under load', async () => {
    const answered: string[] = [];
    const load = Array.from({ length: 16 }, async () => {
      for (;;) {
        const key = uuidv7();
        await capture(key, 'tok_approved');
        answered.push(key);
      }
    });
    const ended = Promise.allSettled(load);
    await until(() => answered.length > 300);
    await provider.kill();
    await ended;
    await provider.start();

    const kept = new Set((await allLines()).map(({ key }) => key));
    expect(answered.filter((key) => !kept.has(key))).toEqual([]);
  });

  it('pages through its books, each line once', async () => {
    const all = await allLines();
    const positions = all.map(({ position }) => position);
    expect(positions).toEqual([...new Set(positions)].sort((a, b) => a - b));
    expect(new Set(all.map(({ kind }) => kind))).toEqual(new Set(['capture', 'refund']));
  });

  it.each([
    ['PUT', '/captures/k', { amount: -1, currency: 'GBP', token: 'tok_approved' }, 400],
    ['PUT', '/captures/k', { amount: 1, currency: 'GBP', token: 'constructor' }, 400],
    ['PUT', '/refunds/k', { amount: 1 }, 400],
    ['GET', '/books?limit=none', undefined, 400],
    ['GET', '/elsewhere', undefined, 404],
  ])('answers %s %s it cannot understand with a refusal', async (method, path, body, status) => {
    expect((await call(method, path, body)).status).toBe(status);
  });

  it('ends cleanly on SIGTERM', async () => {
    expect(await provider.end(() => provider.child.kill('SIGTERM'))).toBe(0);
    await provider.start();
  });

  it('ends when whoever started it is gone', async () => {
    expect(await provider.end(() => provider.child.disconnect())).toBe(0);
    await provider.start();
  });

  async function call(method: string, path: string, body?: object, signal?: AbortSignal) {
    const answer = await fetch(provider.url + path, {
      method,
      ...(body && { body: JSON.stringify(body) }),
      ...(signal && { signal }),
    });
    return { status: answer.status, body: (await answer.json()) as Record<string, any> };
  }

  function capture(key: string, token: string, amount = 2550, signal?: AbortSignal) {
    return call('PUT', `/captures/${key}`, { amount, currency: 'GBP', token }, signal);
  }

  async function allLines(): Promise<Record<string, any>[]> {
    const lines: Record<string, any>[] = [];
    for (let after: number | null = 0; after !== null;) {
      const { body } = await call('GET', `/books?after=${after}&limit=100`);
      lines.push(...body.lines);
      after = body.next;
    }
    return lines;
  }

  async function linesOf(key: string) {
    return (await allLines()).filter((line) => line.key === key);
  }
});

async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await new Promise((resolve) => setImmediate(resolve));
}
