import { randomUUID } from 'node:crypto';
import { request as send } from 'undici';
import { PublishedDocument } from './document';
import { placementOfTheRun } from './placements';
import { recordAnswer } from './records';
import { theShop, type Shop } from './shop';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** The bytes of the body, as UTF-8. */
  readonly text: string;
  /** The body read as JSON; undefined where it is empty or none. */
  readonly body: any;
}

export interface Call {
  /** Sent as JSON. */
  body?: unknown;
  /** Sent as it is, instead of `body`. */
  raw?: string | Buffer;
  /** An access token. */
  token?: string | undefined;
  idempotencyKey?: string | undefined;
  headers?: Record<string, string>;
}

/** A gateway lost, or cannot reach, whom it asks: what is a connection cut off where there is no gateway. */
export class CutOff extends Error {
  readonly code = 'ECONNRESET';

  constructor({ status, text }: Pick<Answer, 'status' | 'text'>) {
    super(`The gateway answered ${status}: ${text}`);
  }
}

const FROM_A_GATEWAY = placementOfTheRun().topology === null ? [] : [502, 504];

const documents = new Map<string, Promise<PublishedDocument>>();

/**
 * The shop's public door. Every answer that comes out of it is held to what the API promises of all of them, whatever
 * the journey was looking for: as the OpenAPI document declares it, a problem where it is a refusal, with its
 * correlation id, and never an error of the shop's own.
 */
export class Door {
  constructor(readonly shop: Shop = theShop()) {}

  /** @param path with its query; below `/api/v1` unless it is one of the few outside, such as `/health/ready` */
  async call(method: string, path: string, { body, raw, token, idempotencyKey, headers }: Call = {}): Promise<Answer> {
    const url = new URL(isOutsideApi(path) ? path : `/api/v1${path}`, this.shop.baseUrl);
    const correlationId = randomUUID();
    const sent = raw ?? (body === undefined ? undefined : JSON.stringify(body));
    const call = { correlationId, method, path };
    const cutOff = () => recordAnswer({ ...call, status: 0, headers: {}, body: null, inVain: true });
    const response = await send(url, {
      method,
      headers: {
        'x-correlation-id': correlationId,
        ...(sent !== undefined && { 'content-type': 'application/json' }),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
        ...headers,
      },
      ...(sent !== undefined && { body: sent }),
    }).catch((error: unknown) => {
      cutOff();
      throw error;
    });
    const text = await response.body.text();
    const answer: Answer = {
      status: response.statusCode,
      headers: response.headers as Record<string, string | undefined>,
      text,
      body: parsed(text),
    };
    const wrong = complaintAbout(answer, correlationId);
    if (wrong === null && FROM_A_GATEWAY.includes(answer.status)) {
      cutOff();
      throw new CutOff(answer);
    }
    const complaint =
      wrong ??
      (method === 'HEAD' || isOutsideApi(path)
        ? null
        : (await documentOf(this.shop)).complaintAbout(method, url.pathname, answer));
    if (complaint) {
      throw new Error(`${method} ${url.pathname} was answered ${answer.status}, and ${complaint}.\n${text}`);
    }
    const { status, body: told } = answer;
    recordAnswer({ ...call, status, headers: answer.headers, body: told ?? text });
    return answer;
  }
}

function complaintAbout({ status, headers, text, body }: Answer, correlationId: string): string | null {
  if (status >= 500 && status !== 503 && !FROM_A_GATEWAY.includes(status)) return 'no request may do that to a shop';
  if (headers['x-correlation-id'] !== correlationId) {
    return `its X-Correlation-ID is ${headers['x-correlation-id']} instead of ${correlationId}`;
  }
  if (/\n\s+at \S+.*:\d+:\d+|\b(SELECT|INSERT|UPDATE|DELETE)\b.*\b(FROM|INTO|SET)\b/.test(text)) {
    return 'it lets people see inside';
  }
  if (status < 400) return null;
  if (!headers['content-type']?.startsWith('application/problem+json')) return 'it is no problem+json';
  const { type, title, detail, instance, code } = body ?? {};
  const complete = [type, title, detail, instance, code].every((part) => typeof part === 'string' && part.length > 0);
  return complete && body.status === status ? null : 'its problem is not whole';
}

/** The document of a shop, read once in each test file. */
function documentOf(shop: Shop): Promise<PublishedDocument> {
  let document = documents.get(shop.baseUrl);
  if (!document) {
    document = openApiOf(shop).then((published) => new PublishedDocument(published as never));
    documents.set(shop.baseUrl, document);
    // Whoever asks next may find the shop open again.
    document.catch(() => documents.delete(shop.baseUrl));
  }
  return document;
}

/** What the shop publishes at /openapi.json. */
export async function openApiOf(shop: Shop): Promise<Record<string, any>> {
  const { statusCode: status, body } = await send(new URL('/openapi.json', shop.baseUrl));
  const text = await body.text();
  if (status !== 200) throw new CutOff({ status, text });
  return JSON.parse(text) as Record<string, any>;
}

function isOutsideApi(path: string): boolean {
  return /^\/(health|metrics|docs|openapi\.json|asyncapi\.json|\.well-known|api)\b/.test(path);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
