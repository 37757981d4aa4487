import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';

/** Who calls, as the access token says. */
export interface Caller {
  readonly id: string;
  readonly roles: readonly string[];
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set on routes that are not for anyone. */
    caller: Caller | null;
  }
}

/** The caller of a route that is not for anyone. */
export const CurrentUser = createParamDecorator((_: unknown, context: ExecutionContext): Caller => {
  const { caller } = context.switchToHttp().getRequest<FastifyRequest>();
  if (!caller) throw new Error('@CurrentUser() stands on a route that is open to anyone.');
  return caller;
});
