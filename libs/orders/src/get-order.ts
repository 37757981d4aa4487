import type { Caller } from '@banyan/http';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { OrderNotFound } from './errors';
import type { Order } from './order';
import { OrdersRepository } from './orders.repository';
import { visibleTo } from './visibility';

/** Fails with OrderNotFound, also where the order is somebody else's. */
export class GetOrder extends Query<Order> {
  constructor(
    readonly orderId: string,
    readonly caller: Caller,
  ) {
    super();
  }
}

@QueryHandler(GetOrder)
export class GetOrderHandler implements IQueryHandler<GetOrder> {
  constructor(private readonly orders: OrdersRepository) {}

  async execute({ orderId, caller }: GetOrder): Promise<Order> {
    const order = await this.orders.find(orderId);
    if (!order || !visibleTo(caller, order)) throw new OrderNotFound(orderId);
    return order;
  }
}
