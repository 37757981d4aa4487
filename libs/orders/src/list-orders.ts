import type { Caller } from '@banyan/http';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { Forbidden } from './errors';
import type { Order, OrderStatus } from './order';
import { OrdersRepository } from './orders.repository';

/** The caller's own orders, newest first; for an admin everybody's, or one customer's. Fails with Forbidden. */
export class ListOrders extends Query<Order[]> {
  constructor(
    readonly caller: Caller,
    readonly filter: {
      customerId?: string | undefined;
      status?: OrderStatus | undefined;
      before?: string | undefined;
      limit: number;
    },
  ) {
    super();
  }
}

@QueryHandler(ListOrders)
export class ListOrdersHandler implements IQueryHandler<ListOrders> {
  constructor(private readonly orders: OrdersRepository) {}

  async execute({ caller, filter }: ListOrders): Promise<Order[]> {
    if (caller.roles.includes('admin')) return this.orders.list(filter);
    if (filter.customerId !== undefined) throw new Forbidden();
    return this.orders.list({ ...filter, customerId: caller.id });
  }
}
