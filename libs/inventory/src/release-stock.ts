import { failpoint } from '@banyan/failpoints';
import { Handles, Outbox, type Handling, type Received } from '@banyan/messaging';
import { Controller } from '@nestjs/common';
import { stockReleased } from './messages';
import { productsOf, release } from './stock';
import { StockRepository } from './stock.repository';
import { releaseStock } from './subscriptions';

/** Undoes whatever inventory has done for orders that will not be, and answers even where that was nothing. */
@Controller()
export class ReleaseStock {
  constructor(
    private readonly stock: StockRepository,
    private readonly outbox: Outbox,
  ) {}

  @Handles(releaseStock)
  async handle(messages: Received<typeof releaseStock>[], { tx }: Handling): Promise<void> {
    const requests = messages.map(({ data }) => data);
    const orderIds = requests.map(({ orderId }) => orderId);
    const reservations = await this.stock.reservations(tx, orderIds);
    // The ledger is read behind the locks: while they are held, nobody can count more pieces in.
    const [shelf, restocked] = await Promise.all([
      this.stock.lockShelf(tx, productsOf(reservations.values())),
      this.stock.restocked(tx, orderIds),
    ]);

    const decisions = release({ reservations, shelf, restocked }, requests);

    const answers = messages.map((message) => stockReleased(message.data, message));
    this.stock.recordReleased(tx, decisions, new Date());
    await this.outbox.publish(tx, answers);
    await failpoint('release-stock.before-commit');
  }
}
