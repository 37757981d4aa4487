import { Pool } from 'undici';
import { z } from 'zod';
import type { CaptureOutcome, Money } from './payment';
import { OutcomeUnknown, type PaymentProvider, RefusedByProvider } from './payment-provider';

const capture = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('captured') }),
  z.object({ outcome: z.literal('declined'), reason: z.string().nullable() }),
  z.object({ outcome: z.literal('voided') }),
]);
const refund = z.object({ outcome: z.literal('refunded') });
const refusal = z.object({ error: z.string(), message: z.string() });

// Any other 4xx comes from something in between, and says nothing about the request.
const REFUSALS = new Set([400, 409, 422]);

interface Answer {
  status: number;
  body: unknown;
}

/** The simulated provider (apps/payment-provider), asked over HTTP. */
export class SimulatedProvider implements PaymentProvider {
  readonly name = 'simulated';
  readonly #pool: Pool;

  /** `timeoutMs` is how long an answer may take before its outcome counts as unknown. */
  constructor(url: string, { timeoutMs }: { timeoutMs: number }) {
    this.#pool = new Pool(url, {
      connectTimeout: timeoutMs,
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      keepAliveTimeout: 30_000,
    });
  }

  async capture(key: string, total: Money, token: string): Promise<CaptureOutcome> {
    const answer = await this.#ask('PUT', `/captures/${key}`, { ...total, token });
    return outcomeOf(expectDone(answer, capture));
  }

  async captureOutcome(key: string): Promise<CaptureOutcome | null> {
    const answer = await this.#ask('GET', `/captures/${key}`);
    return answer.status === 404 ? null : outcomeOf(expectDone(answer, capture));
  }

  async preventCapture(key: string): Promise<CaptureOutcome> {
    return outcomeOf(expectDone(await this.#ask('POST', `/captures/${key}/void`), capture));
  }

  async refund(key: string, captureKey: string, { amount }: Money): Promise<void> {
    expectDone(await this.#ask('PUT', `/refunds/${key}`, { captureKey, amount }), refund);
  }

  async close(): Promise<void> {
    // Not close(): some requests are never answered.
    await this.#pool.destroy();
  }

  async #ask(method: 'GET' | 'PUT' | 'POST', path: string, body?: object): Promise<Answer> {
    try {
      const response = await this.#pool.request({
        method,
        path,
        headers: { 'content-type': 'application/json' },
        body: body === undefined ? null : JSON.stringify(body),
      });
      return { status: response.statusCode, body: await response.body.json() };
    } catch (error) {
      throw new OutcomeUnknown(error);
    }
  }
}

/** Reads an answer that says what was done. Throws RefusedByProvider or OutcomeUnknown. */
function expectDone<T>({ status, body }: Answer, schema: z.ZodType<T>): T {
  if (REFUSALS.has(status)) {
    const { data } = refusal.safeParse(body);
    throw new RefusedByProvider(data?.error ?? 'refused', data?.message ?? `The provider answered ${status}.`);
  }
  if (status !== 200) throw new OutcomeUnknown(`The provider answered ${status}.`);
  const understood = schema.safeParse(body);
  if (!understood.success) throw new OutcomeUnknown(understood.error);
  return understood.data;
}

function outcomeOf(answer: z.infer<typeof capture>): CaptureOutcome {
  switch (answer.outcome) {
    case 'captured':
      return { state: 'captured' };
    case 'declined':
      return { state: 'declined', reason: answer.reason ?? 'declined' };
    case 'voided':
      return { state: 'voided' };
    default:
      return answer satisfies never;
  }
}
