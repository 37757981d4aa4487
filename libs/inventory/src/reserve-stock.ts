import { failpoint } from '@banyan/failpoints';
import { Handles, Outbox, type Handling, type Received } from '@banyan/messaging';
import { Controller } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { stockRejected, stockReserved } from './messages';
import { reserve } from './stock';
import { StockRepository } from './stock.repository';
import { reserveStock } from './subscriptions';

/** Holds an order's stock, every line or none, and says which; a whole batch of orders under one lock and one commit. */
@Controller()
export class ReserveStock {
  constructor(
    private readonly stock: StockRepository,
    private readonly outbox: Outbox,
  ) {}

  @Handles(reserveStock)
  async handle(messages: Received<typeof reserveStock>[], { tx }: Handling): Promise<void> {
    const requests = messages.map(({ data }) => ({ ...data, reservationId: uuidv7() }));
    const orderIds = requests.map(({ orderId }) => orderId);
    const productIds = requests.flatMap(({ lines }) => lines.map(({ productId }) => productId));
    const [reservations, shelf] = await Promise.all([
      this.stock.reservations(tx, orderIds),
      this.stock.lockShelf(tx, productIds),
    ]);

    const decisions = reserve({ reservations, shelf }, requests);

    const answers = decisions.answers.map((reservation, n) =>
      reservation.state === 'refused'
        ? stockRejected({ orderId: reservation.orderId, shortages: [...reservation.shortages] }, messages[n])
        : stockReserved({ orderId: reservation.orderId, reservationId: reservation.reservationId }, messages[n]),
    );
    this.stock.recordReserved(tx, decisions, new Date());
    await this.outbox.publish(tx, answers);
    await failpoint('reserve-stock.before-commit');
  }
}
