import { setTimeout as pause } from 'node:timers/promises';
import { Agent, errors, request as send } from 'undici';
import { z } from 'zod';
import { Refused, ShopUnreachable, UnexpectedAnswer } from './errors';
import { delayBefore, retryAfterMs, worthRepeating } from './retry';

export interface ShopRequest {
  method: 'GET' | 'POST' | 'PATCH';
  /** Below the API's base path, for example `/orders`. */
  path: string;
  query?: Record<string, string | number | undefined>;
  body?: unknown;
  accessToken?: string | undefined;
  idempotencyKey?: string | undefined;
  /** Codes of refusals that pass by themselves, such as `unknown-product` just after a listing. */
  repeatOn?: readonly string[];
}

export interface ConnectionOptions {
  /** How long a request is repeated before `ShopUnreachable`; 5 minutes by default, which outlasts a restart. */
  patienceMs?: number;
  /** The same, as long as the shop has never answered at all; 15 s by default, since then it is probably not there. */
  firstPatienceMs?: number;
  /** Told now and then why requests are being repeated, and `null` once one was answered. */
  onTrouble?: (reason: string | null) => void;
  /** How time passes; tests pass it faster. */
  clock?: Clock;
}

export interface Clock {
  now(): number;
  pause(ms: number): Promise<unknown>;
}

const BETWEEN_TROUBLES_MS = 5_000;
/** A refusal in `repeatOn` is given this long: twice ten times what the API promises, for a shop under load. */
const REPEATED_REFUSAL_PATIENCE_MS = 20_000;

const problem = z.object({ code: z.string().optional(), title: z.string().optional(), detail: z.string().optional() });

interface Attempt {
  status: number;
  retryAfter: string | undefined;
  text: string;
}

/**
 * Talks HTTP with one shop and outlasts its restarts: what may pass by itself is repeated with growing delays.
 * So every request must be harmless when it arrives twice: by its nature, or by its idempotency key.
 */
export class Connection {
  private readonly agent: Agent;
  private readonly patienceMs: number;
  private readonly firstPatienceMs: number;
  private readonly clock: Clock;
  private everAnswered = false;
  private inTrouble = false;
  private troubleToldAt = -Infinity;

  /** @param baseUrl for example `http://127.0.0.1:3000`, without `/api/v1` */
  constructor(
    readonly baseUrl: string,
    private readonly options: ConnectionOptions = {},
  ) {
    this.patienceMs = options.patienceMs ?? 5 * 60_000;
    this.firstPatienceMs = options.firstPatienceMs ?? 15_000;
    this.clock = options.clock ?? { now: () => Date.now(), pause };
    this.agent = new Agent({ connect: { timeout: 5_000 }, headersTimeout: 30_000, bodyTimeout: 30_000 });
  }

  /**
   * The answer's body, checked against its shape. Throws `Refused` on a final refusal, `ShopUnreachable` when patience
   * has run out, `UnexpectedAnswer` when the body is not what the API promises.
   */
  async send<Shape extends z.ZodType>(request: ShopRequest, shape: Shape): Promise<z.infer<Shape>> {
    const name = `${request.method} ${request.path}`;
    const beganAt = this.clock.now();
    for (let attempt = 1; ; attempt++) {
      const answer = await this.attempt(request);
      if (!(answer instanceof Error) && answer.status < 400) {
        this.answered();
        return read(name, answer.text, shape);
      }

      const waited = this.clock.now() - beganAt;
      let reason: string;
      let askedForMs: number | undefined;
      if (answer instanceof Error) {
        reason = reasonOf(answer);
      } else {
        const refusal = refusalOf(name, answer);
        const patience = worthRepeating(answer.status, refusal.code, []) ? Infinity : REPEATED_REFUSAL_PATIENCE_MS;
        if (!worthRepeating(answer.status, refusal.code, request.repeatOn ?? []) || waited >= patience) {
          this.answered();
          throw refusal;
        }
        reason = `${answer.status}${refusal.code ? ` ${refusal.code}` : ''}`;
        askedForMs = retryAfterMs(answer.retryAfter, new Date(this.clock.now()));
      }

      const patience = this.everAnswered ? this.patienceMs : this.firstPatienceMs;
      if (waited >= patience) throw new ShopUnreachable(this.baseUrl, waited, reason);
      this.troubled(reason);
      const delay = delayBefore(attempt, askedForMs, Math.random());
      await this.clock.pause(Math.min(delay, patience - waited));
    }
  }

  async close(): Promise<void> {
    await this.agent.close();
  }

  private async attempt(request: ShopRequest): Promise<Attempt | Error> {
    const url = new URL(`/api/v1${request.path}`, this.baseUrl);
    for (const [name, value] of Object.entries(request.query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    try {
      const { statusCode, headers, body } = await send(url, {
        dispatcher: this.agent,
        method: request.method,
        headers: {
          accept: 'application/json',
          ...(request.body !== undefined && { 'content-type': 'application/json' }),
          ...(request.accessToken && { authorization: `Bearer ${request.accessToken}` }),
          ...(request.idempotencyKey && { 'idempotency-key': request.idempotencyKey }),
        },
        ...(request.body !== undefined && { body: JSON.stringify(request.body) }),
      });
      const retryAfter = headers['retry-after'];
      return {
        status: statusCode,
        retryAfter: typeof retryAfter === 'string' ? retryAfter : undefined,
        text: await body.text(),
      };
    } catch (error) {
      // A request that cannot even be written will not get better.
      if (error instanceof errors.InvalidArgumentError) throw error;
      return error as Error;
    }
  }

  private answered(): void {
    this.everAnswered = true;
    if (this.inTrouble) this.options.onTrouble?.(null);
    this.inTrouble = false;
  }

  private troubled(reason: string): void {
    this.inTrouble = true;
    // While a shop stops or starts, some requests are answered and others are not: tell that once, not for each.
    if (this.clock.now() - this.troubleToldAt < BETWEEN_TROUBLES_MS) return;
    this.troubleToldAt = this.clock.now();
    this.options.onTrouble?.(reason);
  }
}

function read<Shape extends z.ZodType>(request: string, text: string, shape: Shape): z.infer<Shape> {
  const body = json(text);
  if (body === undefined) throw new UnexpectedAnswer(request, `no JSON, but ${JSON.stringify(text.slice(0, 60))}`);
  const result = shape.safeParse(body);
  if (!result.success) throw new UnexpectedAnswer(request, z.prettifyError(result.error).replaceAll('\n', ' '));
  return result.data;
}

function refusalOf(request: string, answer: Attempt): Refused {
  const said = problem.safeParse(json(answer.text)).data;
  return new Refused(request, answer.status, said?.code, said?.detail ?? said?.title);
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function reasonOf(error: Error & { code?: string }): string {
  // Node reports a host with several addresses as an AggregateError whose message is empty.
  return error.message || error.code || error.name;
}
