import { setImmediate as nextTurn } from 'node:timers/promises';
import { SETTINGS, type Settings } from '@banyan/config';
import { failpoint } from '@banyan/failpoints';
import { IdempotencyKeyReused, keyed, type Attempt } from '@banyan/http';
import { Outbox } from '@banyan/messaging';
import { grouped } from '@banyan/persistence';
import { recordSent } from '@banyan/process-manager';
import { currentJourney } from '@banyan/telemetry';
import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { v7 as uuidv7 } from 'uuid';
import { price, type Order, type OrderLine, type Product } from './order';
import { begin } from './order-fulfilment';
import { OrdersRepository, type NewOrder } from './orders.repository';

/**
 * Orders these lines for the attempt's caller. The key is kept as long as the order: the same request under it is answered
 * as the first was. Fails with IdempotencyKeyRequired, IdempotencyKeyReused, UnknownProduct, CurrencyMismatch, AmountTooLarge.
 */
export class PlaceOrder extends Command<Order> {
  constructor(
    readonly lines: readonly OrderLine[],
    readonly paymentToken: string,
    readonly attempt: Attempt,
  ) {
    super();
  }
}

// A statement of this many orders takes a few milliseconds; larger ones make everybody in them wait without being faster.
const MOST_TOGETHER = 64;
// Two keep both the database and this process busy; with more, groups only become smaller.
const GROUPS_IN_FLIGHT = 2;

@CommandHandler(PlaceOrder)
export class PlaceOrderHandler implements ICommandHandler<PlaceOrder> {
  /** Ids → products, one read for all orders that arrive together. */
  private readonly findProducts = grouped<readonly string[], Map<string, Product>>({
    limit: MOST_TOGETHER,
    inFlight: GROUPS_IN_FLIGHT,
    flush: async (asked) => {
      const products = await this.orders.products([...new Set(asked.flat())]);
      const byId = new Map(products.map((product) => [product.id, product]));
      return asked.map(() => byId);
    },
  });

  /** Stores the order, unless its key was used before; answers the order as stored, or undefined. */
  private readonly store = grouped<NewOrder, Order | undefined>({
    limit: MOST_TOGETHER,
    inFlight: GROUPS_IN_FLIGHT,
    flush: async (orders) => {
      const { names, places } = await this.orders.place(orders);
      await failpoint('place-order.after-commit');
      this.outbox.handOver(
        orders.flatMap(({ messages }) => messages),
        places,
      );
      // What an order sets going is on its way before it is answered, which takes longer.
      await nextTurn();
      return orders.map((order) => {
        const name = names.get(order.id);
        return name === undefined ? undefined : placedOrder(order, name);
      });
    },
  });

  constructor(
    private readonly orders: OrdersRepository,
    private readonly outbox: Outbox,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  async execute({ lines, paymentToken, attempt }: PlaceOrder): Promise<Order> {
    const { caller, key, fingerprint } = keyed(attempt);
    try {
      const order = this.prepare(lines, paymentToken, caller, key, fingerprint, await this.catalogueOf(lines));
      const placed = await this.store(order);
      if (placed) return placed;
    } catch (error) {
      // A refusal is only one if the key is new: what was ordered under it once is answered as it was then.
      const earlier = await this.answeredBefore(caller, key, fingerprint);
      if (earlier) return earlier;
      throw error;
    }
    return (await this.answeredBefore(caller, key, fingerprint)) as Order;
  }

  private async catalogueOf(lines: readonly OrderLine[]): Promise<Map<string, Product>> {
    return this.findProducts(lines.map(({ productId }) => productId));
  }

  private prepare(
    lines: readonly OrderLine[],
    paymentToken: string,
    customerId: string,
    idempotencyKey: string,
    fingerprint: string,
    catalogue: Map<string, Product>,
  ): NewOrder {
    const { items, total } = price(lines, catalogue);
    const id = uuidv7();
    const placedAt = new Date();
    const { state, send } = begin({ orderId: id, customerId, total, paymentToken }, items);
    const journey = currentJourney();
    const messages = this.outbox.prepare(send, journey);
    return {
      id,
      customerId,
      idempotencyKey,
      fingerprint,
      items,
      total,
      placedAt,
      answerBy: new Date(placedAt.getTime() + this.settings.fulfilment.answerDeadlineMs),
      fulfilment: state,
      record: recordSent(messages),
      correlationId: journey.correlationId,
      messages,
    };
  }

  private async answeredBefore(customerId: string, key: string, fingerprint: string): Promise<Order | undefined> {
    const earlier = await this.orders.placedUnder(customerId, key);
    if (earlier && earlier.fingerprint !== fingerprint) throw new IdempotencyKeyReused();
    return earlier?.order;
  }
}

function placedOrder(order: NewOrder, customerName: string | null): Order {
  const { id, customerId, items, total, placedAt } = order;
  return {
    id,
    customerId,
    customerName,
    status: 'pending',
    cancelReason: null,
    items,
    total,
    placedAt,
    updatedAt: placedAt,
  };
}
