import { failpoint } from '@banyan/failpoints';
import { Idempotency, keyed, type Attempt } from '@banyan/http';
import type { Transaction } from '@banyan/persistence';
import { currentJourney } from '@banyan/telemetry';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { v7 as uuidv7 } from 'uuid';
import { causeOf } from './cause';
import { PaymentNotFound } from './errors';
import { type Money, refundable } from './payment';
import { Payments } from './payments.repository';
import { SettlePayments } from './settle-payments';

export interface ShownRefund {
  readonly id: string;
  readonly paymentId: string;
  readonly amount: Money;
  readonly createdAt: string;
}

/**
 * Sets part of a capture aside, the rest where no amount is named; the provider is asked to give it back once that has
 * committed. Fails with `IdempotencyKeyRequired`, `PaymentNotFound`, `PaymentNotRefundable`, `AmountExceedsCapture` or
 * `CurrencyMismatch`.
 */
export class RefundPayment extends Command<ShownRefund> {
  constructor(
    readonly paymentId: string,
    readonly amount: Money | undefined,
    readonly attempt: Attempt,
  ) {
    super();
  }
}

@CommandHandler(RefundPayment)
export class RefundPaymentHandler implements ICommandHandler<RefundPayment> {
  constructor(
    private readonly idempotency: Idempotency,
    private readonly payments: Payments,
    private readonly settle: SettlePayments,
  ) {}

  async execute({ paymentId, amount, attempt }: RefundPayment): Promise<ShownRefund> {
    return this.idempotency.once(keyed(attempt), (tx) => this.setAside(tx, paymentId, amount));
  }

  private async setAside(tx: Transaction, paymentId: string, asked: Money | undefined): Promise<ShownRefund> {
    const payment = await this.payments.lock(tx, paymentId);
    if (!payment) throw new PaymentNotFound(paymentId);
    const amount = refundable(payment, asked);
    const id = uuidv7();
    const refund = { id, paymentId: payment.id, amount, cause: causeOf(currentJourney()) };
    const createdAt = await this.payments.setAside(tx, refund, 'refund');
    tx.afterCommit(() => this.settle.refunds([refund]));
    await failpoint('payments.refund.before-commit');
    return { id, paymentId: payment.id, amount, createdAt: createdAt.toISOString() };
  }
}
