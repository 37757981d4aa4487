import { failpoint } from '@banyan/failpoints';
import { Handles, Outbox, type Handling, type Outgoing, type Received } from '@banyan/messaging';
import type { Transaction } from '@banyan/persistence';
import { Controller } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { causeOf } from './cause';
import { answersTo } from './outcomes';
import { cancel, type Payment } from './payment';
import { type CancellationOfOrder, Payments } from './payments.repository';
import { SettlePayments } from './settle-payments';
import { cancelPayment } from './subscriptions';

/**
 * Makes sure that no money of an order is kept, or ever taken, and answers every command once: at once where nothing is
 * left to do, otherwise when the outcome of the capture is known and what was left of it has been given back.
 */
@Controller()
export class CancelPayment {
  constructor(
    private readonly payments: Payments,
    private readonly settle: SettlePayments,
    private readonly outbox: Outbox,
  ) {}

  @Handles(cancelPayment)
  async handle(messages: Received<typeof cancelPayment>[], { tx }: Handling): Promise<void> {
    const orderIds = messages.map(({ data }) => data.orderId);
    // Behind the lock nobody can settle a payment unseen: either its outcome is here, or whoever brings it sees us.
    const payments = await this.payments.lockOfOrders(tx, orderIds);
    const cancellations = await this.payments.lockCancellations(tx, orderIds);
    const answers: Outgoing[] = [];
    for (const message of messages) {
      const { orderId } = message.data;
      const earlier = cancellations.get(orderId);
      if (earlier?.askedBy.includes(message.id)) continue;
      if (earlier) {
        await this.payments.askedAgain(tx, orderId, message.id);
        answers.push(...answersTo({ ...earlier, askedBy: [message.id], cause: causeOf(message) }));
        earlier.askedBy.push(message.id);
      } else {
        const cancellation = await this.begin(tx, message, payments.get(orderId));
        answers.push(...answersTo(cancellation));
        cancellations.set(orderId, cancellation);
      }
    }
    await this.outbox.publish(tx, answers);
    await failpoint('payments.cancel.before-commit');
  }

  /** Begins the cancellation; where nothing has to be waited for, it is answered at once. */
  private async begin(
    tx: Transaction,
    message: Received<typeof cancelPayment>,
    payment: Payment | undefined,
  ): Promise<CancellationOfOrder> {
    const decision = cancel(payment);
    const refunded = decision.act === 'answer' ? decision.refunded : null;
    const cause = causeOf(message);
    const cancellation = { orderId: message.data.orderId, askedBy: [message.id], refunded, cause };
    await this.payments.addCancellation(tx, cancellation);
    if (payment && decision.act === 'find-out') {
      const unsettled = await this.payments.awaitOutcome(tx, payment);
      tx.afterCommit(() => this.settle.captures([unsettled]));
    } else if (payment && decision.act === 'give-back') {
      const refund = { id: uuidv7(), paymentId: payment.id, amount: decision.amount, cause };
      await this.payments.setAside(tx, refund, 'cancellation');
      tx.afterCommit(() => this.settle.refunds([refund]));
    }
    return cancellation;
  }
}
