import { applyDecorators } from '@nestjs/common';
import { Ctx, EventPattern, Payload } from '@nestjs/microservices';
import { Subscription } from './definitions';
import { HandlerOptions } from './handlers';

/** What a handler method tells the transport through Nest. */
export interface HandlerExtras extends HandlerOptions {
  subscriptions: readonly Subscription[];
  method: symbol;
}

/**
 * Marks a controller's method as the handler of these subscriptions. It gets batches: `(messages, { tx })`, in order per
 * stream, in one transaction that also remembers that they were handled. What it throws fails the batch, which is then
 * repeated one by one; see PermanentError and DependencyAway. Publish with the received message as cause, and make no
 * calls to the outside.
 */
export function Handles(subscription: Subscription | readonly Subscription[], options: HandlerOptions = {}) {
  const subscriptions = ([] as Subscription[]).concat(subscription);
  const extras: HandlerExtras = { ...options, subscriptions, method: Symbol('handler') };
  const types = subscriptions.map(({ type }) => type);
  return applyDecorators(EventPattern(types, extras as never), passesBothArguments);
}

// Left to itself, Nest passes a handler the payload only.
function passesBothArguments(target: object, method: string | symbol): void {
  Payload()(target, method, 0);
  Ctx()(target, method, 1);
}
