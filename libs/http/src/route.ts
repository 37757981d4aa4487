import { STATUS_CODES } from 'node:http';
import { applyDecorators, HttpCode } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiResponse } from '@nestjs/swagger';
import type { z } from 'zod';

/** Who may call: `user` is anyone signed in; the roles are exact, so an admin is no customer. */
export type Audience = 'anyone' | 'user' | 'customer' | 'admin';

/** An error that an act throws and a caller can tell by its code. By convention the code is the class's name in kebab case. */
export type CodedError = Error & { readonly code: string };
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- any: errors take whatever they need to say it
export type CodedErrorClass = new (...details: any[]) => CodedError;

/** What the decorators below say of a route; Fastify carries it as the route's config, so that hooks can ask. */
export interface Route {
  audience?: Audience;
  readonly refusals: Map<CodedErrorClass, number>;
  /** The shape of the answer for each status that declares one. */
  readonly answers: Map<number, z.ZodType>;
  idempotencyKey?: 'required' | 'optional';
  /** Whether the method declares a query or a body; filled in at start. What it does not declare is refused. */
  takesQuery: boolean;
  takesBody: boolean;
}

const ROUTE = Symbol('banyan:route');

/** What the decorators said of a controller's method; undefined where none did. */
export function routeOf(method: object): Route | undefined {
  return Reflect.getMetadata(ROUTE, method) as Route | undefined;
}

function describeRoute(change: (route: Route) => unknown): MethodDecorator {
  return (target, key, descriptor) => {
    const method = descriptor.value as object;
    let route = routeOf(method);
    if (!route) {
      route = { refusals: new Map(), answers: new Map(), takesQuery: false, takesBody: false };
      Reflect.defineMetadata(ROUTE, route, method);
      RouteConfig({ route })(target, key, descriptor);
    }
    change(route);
  };
}

/** Who may call the route. Every route says it; one that does not keeps the app from starting. */
export function Access(audience: Audience): MethodDecorator {
  return describeRoute((route) => (route.audience = audience));
}

/** Which errors of the act are refusals, and with which status they are answered. Any other error is a 500 without details. */
export function Refuses(refusals: Readonly<Record<number, readonly CodedErrorClass[]>>): MethodDecorator {
  return describeRoute((route) => {
    for (const [status, classes] of Object.entries(refusals)) {
      for (const refusal of classes) route.refusals.set(refusal, Number(status));
    }
  });
}

/** The status and the shape of the answer when all goes well. Documents it; in tests, answers are held to it. */
export function Answers(status: number, schema?: z.ZodType, description = STATUS_CODES[status] ?? ''): MethodDecorator {
  return applyDecorators(
    HttpCode(status),
    describeRoute((route) => schema && route.answers.set(status, schema)),
    ApiResponse({ status, description, ...(schema ? { standardSchema: schema } : {}) }),
  );
}

/** The route takes an Idempotency-Key. Documents it; the act insists on it and keeps the promise (see `Idempotency`). */
export function TakesIdempotencyKey(need: 'required' | 'optional'): MethodDecorator {
  return describeRoute((route) => (route.idempotencyKey = need));
}
