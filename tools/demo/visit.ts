import { setTimeout as pause } from 'node:timers/promises';
import type { Order } from '../shop-client/answers';
import { Refused } from '../shop-client/errors';
import type { Session } from '../shop-client/session';
import type { Scenario } from './scenarios';

/** What became of one scenario. */
export interface Outcome {
  scenario: Scenario;
  /** Undefined where the shop refused the order. */
  order?: Order;
  /** Pence that the shop keeps: captured and not refunded. */
  kept: number;
  tookMs: number;
  /** What is otherwise than expected; empty when all is well. */
  complaints: string[];
}

const BETWEEN_LOOKS_MS = 100;
const LONGEST_BETWEEN_LOOKS_MS = 1_000;

/**
 * One customer's visit, from the order to its end, or until patience runs out.
 * @param productIds the shop's ids by the names of the products
 * @param key the order's idempotency key
 */
export async function visit(
  scenario: Scenario,
  session: Session,
  productIds: ReadonlyMap<string, string>,
  key: string,
  patienceMs: number,
): Promise<Outcome> {
  const beganAt = Date.now();
  const until = beganAt + patienceMs;
  const tookMs = () => Date.now() - beganAt;
  try {
    const items = Object.entries(scenario.wants).map(([name, quantity]) => ({
      productId: productIds.get(name)!,
      quantity,
    }));
    const placed = await session.placeOrder({ items, payment: { token: scenario.token } }, key);
    let order = placed;
    if (scenario.cancels === 'when confirmed') order = await ended(session, placed.id, until);
    if (scenario.cancels) await session.cancelOrder(placed.id, 'The demo changed its mind', `${key}-cancellation`);
    order = await ended(session, placed.id, until, scenario.cancels && 'cancelled');
    const payment = await session.paymentOf(placed.id);
    // A payment that is pending, or was declined, kept nothing.
    const captured = payment && !['pending', 'declined'].includes(payment.status) ? payment.amount.amount : 0;
    const kept = captured - (payment?.refunded.amount ?? 0);
    return { scenario, order, kept, tookMs: tookMs(), complaints: complaintsAbout(scenario, order, kept) };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return { scenario, kept: 0, tookMs: tookMs(), complaints: [error.message] };
  }
}

/** The order once it is confirmed or cancelled, or cancelled at last where that was asked for; else as it is when time is up. */
async function ended(session: Session, orderId: string, until: number, wanted?: 'cancelled'): Promise<Order> {
  const ends = wanted ? [wanted] : ['confirmed', 'cancelled'];
  for (let betweenMs = BETWEEN_LOOKS_MS; ; betweenMs = Math.min(betweenMs * 1.5, LONGEST_BETWEEN_LOOKS_MS)) {
    const order = await session.order(orderId);
    if (ends.includes(order.status) || Date.now() > until) return order;
    await pause(betweenMs);
  }
}

/** What is otherwise than the scenario says: the order's end, its reason, or the money that the shop keeps. */
export function complaintsAbout(scenario: Scenario, order: Order, kept: number): string[] {
  const reason = order.cancelReason ?? undefined;
  const due = scenario.becomes === 'confirmed' ? order.total.amount : 0;
  return [
    order.status !== scenario.becomes && `is ${order.status} instead of ${scenario.becomes}`,
    reason !== scenario.cancelReason && `was cancelled for ${reason} instead of ${scenario.cancelReason}`,
    kept !== due && `the shop keeps ${kept} pence instead of ${due}`,
  ].filter((complaint) => complaint !== false);
}
