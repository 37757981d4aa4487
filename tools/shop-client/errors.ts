/** The shop did not answer, or only with 429, 502, 503 or 504, for longer than the client's patience. */
export class ShopUnreachable extends Error {
  constructor(
    readonly baseUrl: string,
    readonly waitedMs: number,
    readonly reason: string,
  ) {
    super(
      `The shop at ${baseUrl} did not answer for ${Math.round(waitedMs / 1000)} s (${reason}). ` +
        'Start it with `npm start`, or name another one with --base-url.',
    );
  }
}

/** The shop refused a request for good. `code` is the stable code of the problem document, if there was one. */
export class Refused extends Error {
  constructor(
    readonly request: string,
    readonly status: number,
    readonly code: string | undefined,
    detail: string | undefined,
  ) {
    super(`${request} was refused with ${status}${code ? ` ${code}` : ''}${detail ? `: ${detail}` : ''}`);
  }
}

/** Something answered, but not as the shop's API promises. */
export class UnexpectedAnswer extends Error {
  constructor(request: string, what: string) {
    super(`${request} was answered by something that does not speak the shop's API: ${what}`);
  }
}

/** E-mail and password do not fit together. */
export class SignInRefused extends Error {
  constructor(readonly email: string) {
    super(`The shop refuses ${email} with this password.`);
  }
}

/** Nobody said who the admin is. */
export class AdminUnknown extends Error {
  constructor(file: string, why: string) {
    super(
      `${why} (${file}). Set ADMIN_EMAIL and ADMIN_PASSWORD, or start the shop once with \`npm start\`, which keeps its login there.`,
    );
  }
}

/** Whether it is one of the client's own errors, whose message tells people all there is to tell. */
export function isShopError(error: unknown): error is Error {
  return [ShopUnreachable, SignInRefused, AdminUnknown, Refused, UnexpectedAnswer].some(
    (kind) => error instanceof kind,
  );
}
