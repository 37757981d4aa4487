import type { Api } from './api';
import type { Request } from './requests';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

const INSIDES =
  /\n\s+at \S+.*:\d+:\d+|node_modules|\b(select|insert|update|delete)\b.*\b(from|into|set)\b|syntax error at|pg_catalog/i;
const PROBLEM = 'application/problem+json';

/** Holds answers to what the API promises of all of them. */
export class Judge {
  /** @param codes those of docs/errors.md, each as `code status` */
  constructor(
    private readonly api: Api,
    private readonly codes: ReadonlySet<string>,
  ) {}

  /** What is wrong with the answer; null where nothing is. */
  complaintAbout(request: Request, answer: Answer): string | null {
    const { status, headers, text } = answer;
    // Headers or a path too long for the server may cost the connection before the answer is read.
    if (status === 0) return request.meant ? 'is none' : null;
    if (status >= 500) return `is ${status}`;
    const [type = ''] = String(headers['content-type'] ?? '').split(';', 1);
    const body = parsed(text);
    if (!headers['x-correlation-id']) return 'without X-Correlation-ID';
    if (Object.keys(headers).includes('x-injected')) return 'with a header that the request made up';
    if (status >= 400 && INSIDES.test(String((body as { detail?: unknown } | undefined)?.detail ?? text))) {
      return 'lets people see inside';
    }
    if (request.method === 'HEAD') return null;
    if (status >= 400) {
      if (type !== PROBLEM) return `is no problem+json but ${type || 'nothing'}`;
      const problem = (body ?? {}) as Record<string, unknown>;
      for (const part of ['type', 'title', 'detail', 'instance', 'code']) {
        if (typeof problem[part] !== 'string' || problem[part] === '') return `is a problem without ${part}`;
      }
      if (problem['status'] !== status) return `is a problem with another status`;
      if (!this.codes.has(`${String(problem['code'])} ${status}`)) {
        return `has the code ${String(problem['code'])}, which docs/errors.md does not list with ${status}`;
      }
    }
    return request.meant ? this.againstDeclaration(request, status, type, text, body) : null;
  }

  private againstDeclaration(
    { operation }: Request,
    status: number,
    type: string,
    text: string,
    body: unknown,
  ): string | null {
    const declared = operation.responses[String(status)];
    if (!declared) return `is ${status}, which the document does not declare`;
    if (!declared.content) return text === '' ? null : `has a body, and the document declares none for ${status}`;
    if (!declared.content[type]) return `is ${type || 'nothing'}, which the document does not declare`;
    const complaint = this.api.complaintAbout(operation, status, type, body);
    return complaint && `is not as declared: ${complaint}`;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
