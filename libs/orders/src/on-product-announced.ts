import { Handles, type Handling, type Received } from '@banyan/messaging';
import { Controller } from '@nestjs/common';
import { OrdersRepository } from './orders.repository';
import { productChanged, productListed } from './subscriptions';

/** Keeps the catalogue's names and prices, so that an order can be priced without asking inventory. */
@Controller()
export class OnProductAnnounced {
  constructor(private readonly orders: OrdersRepository) {}

  @Handles([productListed, productChanged])
  async handle(messages: Received<typeof productListed>[], { tx }: Handling): Promise<void> {
    await this.orders.saveProducts(
      tx,
      messages.map(({ data: { productId: id, ...product } }) => ({ id, ...product })),
    );
  }
}
