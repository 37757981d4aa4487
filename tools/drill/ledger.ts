/** A product of the drill as the shop has acknowledged it. */
export interface Listed {
  price: number;
  /** The sum of the adjustments of its stock. */
  adjusted: number;
}

/** A wait that a client had, and what for. */
export interface Wait {
  ms: number;
  what: string;
}

/** What the shop has acknowledged to its clients, and how it served them: against this it is judged afterwards. */
export class Ledger {
  acknowledged = 0;
  /** The longest that a request took, repetitions included. */
  longest: Wait = { ms: 0, what: 'nothing' };
  /** Requests that were refused for good, or never answered. */
  readonly failed: string[] = [];
  /** Orders by idempotency key. */
  readonly orders = new Map<string, { id: string; isPrompt: boolean }>();
  readonly cancelled = new Set<string>();
  /** Refunded amounts by payment. */
  readonly refunds = new Map<string, number>();
  /** The latest name by e-mail. */
  readonly customers = new Map<string, string>();
  /** By id. */
  readonly products = new Map<string, Listed>();

  constructor(
    /** What goes on in the shop at this moment, to be told beside a wait. */
    private readonly meanwhile: () => string,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /**
   * One request of a client, until it is answered. Undefined where it failed, which is written down, unless `mayRefuse` says
   * that such a refusal is an answer like another.
   */
  async ask<Answer>(
    what: string,
    request: () => Promise<Answer>,
    mayRefuse: (error: unknown) => boolean = () => false,
  ): Promise<Answer | undefined> {
    const beganAt = this.now();
    const began = this.meanwhile();
    try {
      const answer = await request();
      this.acknowledged += 1;
      return answer;
    } catch (error) {
      if (!mayRefuse(error)) this.failed.push(`${what}: ${(error as Error).message}`);
      return undefined;
    } finally {
      const ms = this.now() - beganAt;
      if (ms > this.longest.ms) this.longest = { ms, what: `${what}, ${began}` };
    }
  }
}
