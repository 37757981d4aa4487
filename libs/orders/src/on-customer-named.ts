import { Handles, type Handling, type Received } from '@banyan/messaging';
import { Controller } from '@nestjs/common';
import { OrdersRepository } from './orders.repository';
import { userRegistered, userRenamed } from './subscriptions';

/** Keeps customers' names, to show them with their orders. */
@Controller()
export class OnCustomerNamed {
  constructor(private readonly orders: OrdersRepository) {}

  @Handles([userRegistered, userRenamed])
  async handle(messages: Received<typeof userRegistered>[], { tx }: Handling): Promise<void> {
    await this.orders.saveCustomers(
      tx,
      messages.map(({ data: { userId: id, name } }) => ({ id, name })),
    );
  }
}
