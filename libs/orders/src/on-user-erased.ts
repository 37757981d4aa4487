import { Erasures, Idempotency } from '@banyan/http';
import { Handles, type Handling, type Received } from '@banyan/messaging';
import { Controller } from '@nestjs/common';
import { OrdersRepository } from './orders.repository';
import { userErased } from './subscriptions';

/** Forgets an erased customer: the orders stay, anonymous, and the tokens are refused. */
@Controller()
export class OnUserErased {
  constructor(
    private readonly orders: OrdersRepository,
    private readonly erasures: Erasures,
    private readonly idempotency: Idempotency,
  ) {}

  @Handles(userErased, { overtakes: true })
  async handle(messages: Received<typeof userErased>[], { tx }: Handling): Promise<void> {
    for (const { data } of messages) {
      await this.erasures.record(tx, data.userId);
      await this.orders.forgetCustomer(tx, data.userId);
      await this.idempotency.scrub(tx, data.userId);
    }
  }
}
