import type { Caller } from '@banyan/http';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { OrderNotFound } from './errors';
import * as messages from './messages';
import { OrdersRepository } from './orders.repository';
import * as heard from './subscriptions';
import { visibleTo } from './visibility';

export interface HistoryItem {
  readonly at: string;
  /** The message's wire name. */
  readonly type: string;
  readonly summary: string;
  readonly messageId: string;
}

/** What happened to an order, oldest first. Fails with OrderNotFound, also where the order is somebody else's. */
export class OrderHistory extends Query<HistoryItem[]> {
  constructor(
    readonly orderId: string,
    readonly caller: Caller,
  ) {
    super();
  }
}

// Facts only: that something was asked for is told by its answer.
const summaries: Readonly<Record<string, string>> = {
  [messages.orderPlaced.type]: 'The order was placed.',
  [heard.stockReserved.type]: 'The goods were reserved.',
  [heard.stockRejected.type]: 'Not all goods were in stock.',
  [heard.paymentCaptured.type]: 'The payment was taken.',
  [heard.paymentDeclined.type]: 'The payment was declined.',
  [messages.orderConfirmed.type]: 'The order was confirmed.',
  [heard.stockCommitted.type]: 'The goods were set aside for good.',
  [heard.paymentRefunded.type]: 'A part of the payment, or all of it, was refunded.',
  [heard.stockReleased.type]: 'The goods were released.',
  [heard.paymentCancelled.type]: 'The payment was cancelled; what was taken was given back.',
  [messages.orderCancelled.type]: 'The order was cancelled.',
};

@QueryHandler(OrderHistory)
export class OrderHistoryHandler implements IQueryHandler<OrderHistory> {
  constructor(private readonly orders: OrdersRepository) {}

  async execute({ orderId, caller }: OrderHistory): Promise<HistoryItem[]> {
    const order = await this.orders.find(orderId);
    if (!order || !visibleTo(caller, order)) throw new OrderNotFound(orderId);
    const record = await this.orders.record(orderId);
    return record
      .flatMap(({ at, message, id }) => {
        const summary = summaries[message];
        return summary === undefined || id === undefined ? [] : [{ at, type: message, summary, messageId: id }];
      })
      .sort((a, b) => a.at.localeCompare(b.at));
  }
}
