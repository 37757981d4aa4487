import { randomUUID } from 'node:crypto';
import type { Customer } from './customer';
import { until } from './eventually';

export interface Order {
  id: string;
  customerId: string;
  customerName: string | null;
  status: string;
  cancelReason: string | null;
  items: { productId: string; sku: string; name: string; quantity: number; unitPrice: Money }[];
  total: Money;
  placedAt: string;
  updatedAt: string;
}
interface Money {
  amount: number;
  currency: string;
}

/** An order as its customer follows it. */
export class PlacedOrder {
  readonly id: string;

  /** @param placed what the shop answered when it was placed */
  constructor(
    readonly customer: Customer,
    readonly placed: Order,
  ) {
    this.id = placed.id;
  }

  now(): Promise<Order> {
    return this.customer.looksAt(`/orders/${this.id}`);
  }

  /** The wire names of what has happened to it so far, oldest first. */
  async history(): Promise<string[]> {
    const { items } = await this.customer.looksAt(`/orders/${this.id}/history`);
    return items.map(({ type }: { type: string }) => type);
  }

  /** Waits until something has happened to it, by its wire name. */
  async hears(type: string): Promise<void> {
    await until(`the order ${this.id} hears ${type}`, async () => (await this.history()).includes(type));
  }

  async payments(): Promise<any[]> {
    return (await this.customer.looksAt(`/payments?orderId=${this.id}`)).items;
  }

  /** Its payment, of which there must be one. */
  async payment(): Promise<any> {
    const payments = await this.payments();
    if (payments.length !== 1) throw new Error(`The order ${this.id} has ${payments.length} payments instead of one.`);
    return payments[0];
  }

  /** What the shop keeps of the customer's money: captured and not given back. */
  async kept(): Promise<number> {
    const kept = (await this.payments()).map(({ status, amount, refunded }) =>
      ['pending', 'declined'].includes(status) ? 0 : amount.amount - refunded.amount,
    );
    return kept.reduce((sum, amount) => sum + amount, 0);
  }

  /** Asks for the order to be cancelled, as its customer or as whoever `by` is; answers the order. */
  isCancelled({ by = this.customer as { asks: Customer['asks'] }, reason = 'I changed my mind' } = {}): Promise<Order> {
    return by.asks(202, 'POST', `/orders/${this.id}/cancellation`, { body: { reason }, idempotencyKey: randomUUID() });
  }
}

/** `await eventually(order).is('confirmed')`: answers the order once it is so, and fails as soon as it cannot become so. */
export function eventually(order: PlacedOrder) {
  return {
    async is(status: 'confirmed' | 'cancelling' | 'cancelled', cancelReason: string | null = null): Promise<Order> {
      try {
        const now = await until(`the order ${order.id} is ${status}`, async () => {
          const now = await order.now();
          if (now.status === status) return now;
          if (now.status === 'cancelled') throw new Error(`It was cancelled (${now.cancelReason}) instead.`);
          return undefined;
        });
        if (now.cancelReason !== cancelReason) throw new Error(`It is ${status} for ${now.cancelReason}.`);
        return now;
      } catch (error) {
        const story = { order: await order.now(), history: await order.history(), payments: await order.payments() };
        throw new Error(`${(error as Error).message}\n${JSON.stringify(story, null, 2)}`, { cause: error });
      }
    },

    /** Confirmed or cancelled for good, whichever it is to be. */
    ends(): Promise<Order> {
      return until(`the order ${order.id} ends`, async () => {
        const now = await order.now();
        return ['confirmed', 'cancelled'].includes(now.status) && now;
      });
    },
  };
}
