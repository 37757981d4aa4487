import { failpoint } from '@banyan/failpoints';
import { Handles, Outbox, type Handling, type Received } from '@banyan/messaging';
import { Controller } from '@nestjs/common';
import { stockCommitted } from './messages';
import { commit, productsOf } from './stock';
import { StockRepository } from './stock.repository';
import { commitStock } from './subscriptions';

/** Lets the stock that is held for confirmed orders leave the house. */
@Controller()
export class CommitStock {
  constructor(
    private readonly stock: StockRepository,
    private readonly outbox: Outbox,
  ) {}

  @Handles(commitStock)
  async handle(messages: Received<typeof commitStock>[], { tx }: Handling): Promise<void> {
    const requests = messages.map(({ data }) => data);
    const orderIds = requests.map(({ orderId }) => orderId);
    const reservations = await this.stock.reservations(tx, orderIds);
    const shelf = await this.stock.lockShelf(tx, productsOf(reservations.values()));

    const decisions = commit({ reservations, shelf }, requests);

    const answers = messages.map((message) => stockCommitted({ orderId: message.data.orderId }, message));
    this.stock.recordCommitted(tx, decisions, new Date());
    await this.outbox.publish(tx, answers);
    await failpoint('commit-stock.before-commit');
  }
}
