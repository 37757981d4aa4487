import type { Outgoing, Cause } from '@banyan/messaging';
import type { ProcessDefinition, Step } from '@banyan/process-manager';
import * as messages from './messages';
import type { CancelReason, Money, OrderStatus } from './order';
import * as heard from './subscriptions';

/*
 * What becomes of an order once it is placed. Placing announces order-placed and asks inventory to reserve.
 *
 *   hears                      while        does                                                   undone by
 *   stock-reserved             reserving    asks payments to capture                               release-stock
 *   stock-rejected             reserving    cancelled: out-of-stock
 *   payment-captured           capturing    confirmed; asks inventory to commit                    cancel-payment
 *   payment-declined           capturing    cancelling: payment-declined; asks for release
 *   stock-committed            committing   fulfilled
 *   deadline passed            either wait  cancelling: timed-out; asks to undo all it asked for
 *   cancellation requested     any          cancelling; asks to undo all it asked for
 *   stock-released,            undoing      cancelled once every undo is answered
 *   payment-cancelled
 *   anything else              any          recorded only; the undo behind it in the same stream takes care of it
 */

type Undo = 'stock' | 'payment';

/** What later steps need of the order. */
interface Asked {
  readonly orderId: string;
  readonly customerId: string;
  readonly total: Money;
}

export type Fulfilment = Asked &
  (
    | { readonly phase: 'reserving'; readonly paymentToken: string }
    | { readonly phase: 'capturing' | 'committing' | 'fulfilled' }
    | { readonly phase: 'undoing'; readonly reason: CancelReason; readonly awaited: readonly Undo[] }
    | { readonly phase: 'cancelled'; readonly reason: CancelReason }
  );

export type FulfilmentHeard =
  | { readonly type: (typeof heard.fulfilmentMessages)[number]['type'] }
  | { readonly type: 'deadline-passed' }
  | { readonly type: 'cancellation-requested'; readonly reason: 'customer-request' | 'admin-request' };

export function orderStatusOf({ phase }: Fulfilment): OrderStatus {
  switch (phase) {
    case 'reserving':
    case 'capturing':
      return 'pending';
    case 'committing':
    case 'fulfilled':
      return 'confirmed';
    case 'undoing':
      return 'cancelling';
    case 'cancelled':
      return 'cancelled';
    default:
      return phase satisfies never;
  }
}

export function cancelReasonOf(state: Fulfilment): CancelReason | null {
  return state.phase === 'undoing' || state.phase === 'cancelled' ? state.reason : null;
}

/** The name of the process, and the version that new orders begin with. */
export const ORDER_FULFILMENT = { name: 'order-fulfilment', version: 1 } as const;

/** How a fulfilment begins: what placing the order asks for. */
export function begin(
  asked: Asked & { paymentToken: string },
  lines: readonly { productId: string; quantity: number }[],
): { state: Fulfilment; send: Outgoing[] } {
  const { orderId, customerId, total } = asked;
  const plain = lines.map(({ productId, quantity }) => ({ productId, quantity }));
  return {
    state: { ...asked, phase: 'reserving' },
    send: [
      messages.orderPlaced({ orderId, customerId, lines: plain, total }),
      messages.reserveStock({ orderId, lines: plain }),
    ],
  };
}

/** `answerDeadlineMs`: how long an answer may take before the order is cancelled. */
export function orderFulfilment(answerDeadlineMs: number): ProcessDefinition<Fulfilment, FulfilmentHeard> {
  return {
    ...ORDER_FULFILMENT,
    deadlinePassed: { type: 'deadline-passed' },
    step: (state, { type, ...rest }) => {
      switch (type) {
        case heard.stockReserved.type:
          return state.phase === 'reserving' ? capture(state, answerDeadlineMs) : undefined;
        case heard.stockRejected.type:
          return state.phase === 'reserving' ? cancelled(state, 'out-of-stock') : undefined;
        case heard.paymentCaptured.type:
          return state.phase === 'capturing' ? confirm(state) : undefined;
        case heard.paymentDeclined.type:
          return state.phase === 'capturing' ? undo(state, ['stock'], 'payment-declined') : undefined;
        case heard.stockCommitted.type:
          return state.phase === 'committing'
            ? { state: { ...asked(state), phase: 'fulfilled' }, ended: true }
            : undefined;
        case heard.stockReleased.type:
          return undone(state, 'stock');
        case heard.paymentCancelled.type:
          return undone(state, 'payment');
        case 'deadline-passed':
          return isWaiting(state) ? undo(state, askedOf(state), 'timed-out') : undefined;
        case 'cancellation-requested':
          return cancel(state, (rest as { reason: CancelReason }).reason);
        default:
          // An admin's refund changes nothing here; cancelling later refunds the rest.
          return undefined;
      }
    },
  };
}

function capture(state: Fulfilment & { phase: 'reserving' }, deadlineIn: number): Step<Fulfilment> {
  const { orderId, customerId, total } = state;
  const { paymentToken } = state;
  return {
    // The token is handed on and forgotten here.
    state: { orderId, customerId, total, phase: 'capturing' },
    send: (because) => [messages.capturePayment({ orderId, customerId, total, paymentToken }, because)],
    deadlineIn,
  };
}

function confirm(state: Fulfilment): Step<Fulfilment> {
  const { orderId } = state;
  return {
    state: { ...asked(state), phase: 'committing' },
    send: (because) => [messages.orderConfirmed({ orderId }, because), messages.commitStock({ orderId }, because)],
    deadlineIn: null,
  };
}

function cancel(state: Fulfilment, reason: CancelReason): Step<Fulfilment> | undefined {
  if (state.phase === 'undoing' || state.phase === 'cancelled') return undefined;
  return undo(state, askedOf(state), reason);
}

function undo(state: Fulfilment, awaited: readonly Undo[], reason: CancelReason): Step<Fulfilment> {
  const { orderId } = state;
  const ask: Record<Undo, (because: Cause) => Outgoing> = {
    stock: (because) => messages.releaseStock({ orderId, reason }, because),
    payment: (because) => messages.cancelPayment({ orderId, reason }, because),
  };
  return {
    state: { ...asked(state), phase: 'undoing', reason, awaited },
    send: (because) => awaited.map((what) => ask[what](because)),
    deadlineIn: null,
  };
}

function undone(state: Fulfilment, what: Undo): Step<Fulfilment> | undefined {
  if (state.phase !== 'undoing' || !state.awaited.includes(what)) return undefined;
  const awaited = state.awaited.filter((other) => other !== what);
  return awaited.length > 0 ? { state: { ...state, awaited } } : cancelled(state, state.reason);
}

function cancelled(state: Fulfilment, reason: CancelReason): Step<Fulfilment> {
  const { orderId } = state;
  return {
    state: { ...asked(state), phase: 'cancelled', reason },
    send: (because) => [messages.orderCancelled({ orderId, reason }, because)],
    deadlineIn: null,
    ended: true,
  };
}

function asked({ orderId, customerId, total }: Fulfilment): Asked {
  return { orderId, customerId, total };
}

function isWaiting({ phase }: Fulfilment): boolean {
  return phase === 'reserving' || phase === 'capturing';
}

/** What has been asked for so far, and so must be undone, whatever came of it. */
function askedOf({ phase }: Fulfilment): readonly Undo[] {
  return phase === 'reserving' ? ['stock'] : ['stock', 'payment'];
}
