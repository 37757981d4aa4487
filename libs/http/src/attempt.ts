import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { validationFailed } from '@banyan/problem';
import { fingerprintOf } from './fingerprint';
import { IdempotencyKeyRequired } from './idempotency-errors';

/** One try of a caller at something; with a key, tries under the same key have one effect. */
export interface Attempt {
  /** The id of the user who tries. */
  readonly caller: string;
  /** 1 to 255 characters, chosen by the caller. */
  readonly key: string | undefined;
  /** The same for the same request; see `fingerprintOf`. */
  readonly fingerprint: string;
}

export type KeyedAttempt = Attempt & { readonly key: string };

/** Insists on the key. Throws `IdempotencyKeyRequired` without one. */
export function keyed(attempt: Attempt): KeyedAttempt {
  if (attempt.key === undefined) throw new IdempotencyKeyRequired();
  return attempt as KeyedAttempt;
}

const MOST_CHARACTERS = 255;

/** The attempt that this request is, for a route with `@TakesIdempotencyKey` that is not for anyone. */
export const CurrentAttempt = createParamDecorator((_: unknown, context: ExecutionContext): Attempt => {
  const request = context.switchToHttp().getRequest<FastifyRequest>();
  const { caller } = request;
  if (!caller) throw new Error('@CurrentAttempt() stands on a route that is open to anyone.');
  // An empty header is what a client sends that has no key.
  const key = request.headers['idempotency-key']?.toString() || undefined;
  if (key !== undefined && key.length > MOST_CHARACTERS) {
    throw validationFailed([{ path: 'Idempotency-Key', message: `Must be at most ${MOST_CHARACTERS} characters.` }]);
  }
  return {
    caller: caller.id,
    key,
    // Asked for by acts, and so after validation: before it, a body may be nested too deeply to walk.
    get fingerprint() {
      const { method, url } = request.routeOptions;
      return fingerprintOf(method, url, request.params, request.query, request.body);
    },
  };
});
