import { Idempotency, keyed, type Attempt, type Caller } from '@banyan/http';
import type { Transaction } from '@banyan/persistence';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { OrderAlreadyCancelled, OrderNotFound } from './errors';
import { Fulfilments } from './fulfil-orders';
import { OrdersRepository } from './orders.repository';
import { show, type ShownOrder } from './shown-order';
import { visibleTo } from './visibility';

/** Asks for an order to be undone, whatever has become of it so far. Fails with OrderNotFound, OrderAlreadyCancelled. */
export class CancelOrder extends Command<ShownOrder> {
  constructor(
    readonly orderId: string,
    readonly note: string | undefined,
    readonly caller: Caller,
    readonly attempt: Attempt,
  ) {
    super();
  }
}

@CommandHandler(CancelOrder)
export class CancelOrderHandler implements ICommandHandler<CancelOrder> {
  constructor(
    private readonly idempotency: Idempotency,
    private readonly orders: OrdersRepository,
    private readonly fulfilments: Fulfilments,
  ) {}

  async execute({ orderId, note, caller, attempt }: CancelOrder): Promise<ShownOrder> {
    return this.idempotency.once(
      keyed(attempt),
      (tx) => this.cancel(tx, orderId, note, caller),
      // An admin's answer shows the customer's name, too.
      ({ customerId }) => customerId,
    );
  }

  private async cancel(
    tx: Transaction,
    orderId: string,
    note: string | undefined,
    caller: Caller,
  ): Promise<ShownOrder> {
    const order = await this.orders.find(orderId, tx);
    if (!order || !visibleTo(caller, order)) throw new OrderNotFound(orderId);
    const reason = caller.roles.includes('admin') ? 'admin-request' : 'customer-request';
    await this.fulfilments.hear(tx, [
      {
        key: orderId,
        heard: { type: 'cancellation-requested', reason },
        name: 'cancellation-requested',
        at: new Date(),
      },
    ]);
    await this.orders.holdCustomer(tx, order.customerId);
    // The process was locked while it heard, so this is what it came to.
    const now = await this.orders.find(orderId, tx);
    if (!now || now.status === 'cancelled') throw new OrderAlreadyCancelled(orderId);
    if (note !== undefined) await this.orders.noteCancellation(tx, orderId, note);
    return show(now);
  }
}
