/** One field that is wrong: `path` as in `items.0.quantity`. */
export interface FieldError {
  readonly path: string;
  readonly message: string;
}

/** RFC 9457. `code` is stable and listed in docs/errors.md. */
export interface ProblemBody {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly instance: string;
  readonly code: string;
  readonly errors?: readonly FieldError[];
}

/** A refusal that HTTP itself makes (no such route, malformed JSON, no token). Acts throw errors of their own instead. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly headers: Readonly<Record<string, string>>;
  readonly errors: readonly FieldError[] | undefined;

  constructor(
    readonly code: ProblemCode,
    detail: string,
    more: { errors?: readonly FieldError[]; headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(detail);
    this.headers = more.headers ?? {};
    this.errors = more.errors;
  }

  get status(): number {
    return problems[this.code];
  }
}

/** The codes that any call may answer, with their status. */
export const problems = {
  'route-not-found': 404,
  'method-not-allowed': 405,
  unauthenticated: 401,
  'invalid-token': 401,
  forbidden: 403,
  'body-too-large': 413,
  'unsupported-media-type': 415,
  'malformed-request': 400,
  'malformed-json': 400,
  'validation-failed': 400,
  'request-timeout': 408,
  'headers-too-large': 431,
  'too-many-requests': 429,
  'internal-error': 500,
  'bad-gateway': 502,
  unavailable: 503,
  'gateway-timeout': 504,
} as const;
export type ProblemCode = keyof typeof problems;

/** The refusal of something in the request: 400 with the fields that are wrong. */
export function validationFailed(errors: readonly FieldError[]): Problem {
  return new Problem('validation-failed', 'The request is not as this call takes it; see `errors`.', { errors });
}

/** The body of a problem answer. `instance` is the path that was called, without its query. */
export function problemBody(
  problem: { code: string; status: number; message: string; errors?: readonly FieldError[] | undefined },
  instance: string,
): ProblemBody {
  const words = problem.code.replaceAll('-', ' ');
  return {
    type: `urn:banyan:problem:${problem.code}`,
    title: words.charAt(0).toUpperCase() + words.slice(1),
    status: problem.status,
    detail: problem.message,
    instance,
    code: problem.code,
    ...(problem.errors ? { errors: problem.errors } : {}),
  };
}
