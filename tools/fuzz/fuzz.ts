import fc from 'fast-check';
import { errors, Pool } from 'undici';
import { Api, listedCodes, type Operation } from './api';
import { curlOf } from './curl';
import { Judge, type Answer } from './judge';
import { requestsFor, type Request, type Sender } from './requests';
import type { Known } from './well-formed';

/** A request whose answer breaks a promise, made as small as it could be. */
export interface Finding {
  readonly operation: string;
  readonly complaint: string;
  readonly answer: string;
  readonly curl: string;
}

export interface Report {
  readonly cases: number;
  readonly statuses: ReadonlyMap<number, number>;
  readonly findings: readonly Finding[];
}

/** Those in whose names requests are sent, and what they know of the shop. */
export interface Senders {
  readonly known: Known;
  /** Their access token; undefined for a visitor, who has none. */
  tokenOf(sender: Sender): Promise<string | undefined>;
  /** The one who was leaving has left; somebody else is the next. */
  hasLeft(): void;
}

export interface FuzzOptions {
  readonly cases: number;
  readonly seed: number;
  /** Only operations whose id contains it. */
  readonly only?: string;
  /** Told after each case. */
  readonly onCase?: () => void;
  /** Where bodies are kept that are too long for a command line. */
  readonly folder: string;
}

const LANES = 8;
const MOST_SHRINKS = 200;
const ANSWER_MS = 30_000;

/** Sends requests made of the shop's OpenAPI document, and holds every answer to what the API promises. */
export class Fuzz {
  private readonly pool: Pool;
  private readonly statuses = new Map<number, number>();
  private readonly findings = new Map<string, Finding>();
  /** The ids of what was acknowledged as made, by the path that made it. */
  readonly made = new Map<string, Set<string>>();
  private cases = 0;

  private constructor(
    readonly baseUrl: string,
    readonly api: Api,
    private readonly judge: Judge,
    private readonly senders: Senders,
    private readonly options: FuzzOptions,
  ) {
    this.pool = new Pool(baseUrl, { connections: LANES, headersTimeout: ANSWER_MS, bodyTimeout: ANSWER_MS });
  }

  static async at(baseUrl: string, senders: Senders, options: FuzzOptions): Promise<Fuzz> {
    const api = await Api.of(baseUrl);
    return new Fuzz(baseUrl, api, new Judge(api, listedCodes()), senders, options);
  }

  /** Runs the cases, spread over the operations, several at a time; a finding does not end the run. */
  async run(): Promise<Report> {
    const { cases, seed, only = '' } = this.options;
    const operations = this.api.operations.filter(({ id }) => id.includes(only));
    const each = Math.ceil(cases / operations.length);
    const waiting = operations.map((operation, number) => ({ operation, seed: seed + number }));
    await Promise.all(
      Array.from({ length: LANES }, async () => {
        for (let next = waiting.shift(); next; next = waiting.shift())
          await this.exercise(next.operation, next.seed, each);
      }),
    );
    return { cases: this.cases, statuses: this.statuses, findings: [...this.findings.values()] };
  }

  close(): Promise<void> {
    return this.pool.destroy();
  }

  private async exercise(operation: Operation, seed: number, cases: number): Promise<void> {
    const requests = requestsFor(operation, this.senders.known);
    for (let left = cases, again = 0; left > 0; again++) {
      let last: Finding | undefined;
      let shrinks = 0;
      const property = fc.asyncProperty(requests, async (request) => {
        if (last && (shrinks += 1) > MOST_SHRINKS) return;
        if (!last) left -= 1;
        const finding = await this.tryOut(request);
        if (!finding || this.findings.has(keyOf(finding))) return;
        last = finding;
        throw new Error(finding.complaint);
      });
      // Another finding of the same kind would tell nothing new, so the rest of the cases goes on behind it.
      await fc.check(property, { numRuns: left, seed: seed + 1_000_003 * again });
      if (last) this.findings.set(keyOf(last), last);
    }
  }

  private async tryOut(request: Request): Promise<Finding | undefined> {
    const answer = await this.send(request);
    this.cases += 1;
    this.statuses.set(answer.status, (this.statuses.get(answer.status) ?? 0) + 1);
    this.options.onCase?.();
    this.remember(request, answer);
    const complaint = this.judge.complaintAbout(request, answer);
    if (!complaint) return undefined;
    return {
      operation: request.operation.id,
      complaint,
      answer: `${answer.status} ${answer.text.slice(0, 500)}`,
      curl: curlOf(request, this.baseUrl, this.options.folder),
    };
  }

  /** The answer, whatever it is; one of status 0 where the connection ended without any. */
  async send(request: Request): Promise<Answer> {
    const token = await this.senders.tokenOf(request.sender);
    const authorised = request.headers.some(([name]) => name === 'Authorization');
    const headers = [
      ...request.headers,
      ...(token && !authorised ? [['Authorization', `Bearer ${token}`] as const] : []),
    ].flat();
    try {
      const {
        statusCode,
        headers: answered,
        body,
      } = await this.pool.request({
        method: request.method,
        path: request.path,
        headers,
        body: request.body ?? null,
      });
      return { status: statusCode, headers: answered, text: await body.text() };
    } catch (error) {
      if (error instanceof errors.InvalidArgumentError) throw error;
      return { status: 0, headers: {}, text: String(error) };
    }
  }

  private remember({ operation, method, path, sender }: Request, { status, text }: Answer): void {
    if (sender === 'leaver' && status === 202) this.senders.hasLeft();
    if (status !== 201 || method !== 'POST') return;
    const { id } = JSON.parse(text) as { id?: string };
    const [place = ''] = path.split('?', 1);
    if (id && place === operation.path) this.made.set(place, (this.made.get(place) ?? new Set()).add(id));
  }
}

function keyOf({ operation, complaint }: Finding): string {
  return `${operation} ${complaint}`;
}
