import { failpoint } from '@banyan/failpoints';
import { Handles, type Handling, type Received } from '@banyan/messaging';
import { Controller, Inject } from '@nestjs/common';
import { causeOf } from './cause';
import { PAYMENT_PROVIDER, type PaymentProvider } from './payment-provider';
import { Payments } from './payments.repository';
import { SettlePayments } from './settle-payments';
import { capturePayment } from './subscriptions';

/**
 * Stores what is to be captured, a whole batch in one statement; the provider is asked once that has committed. An order
 * whose payment is stored already, or was cancelled before it was asked for, is passed over.
 */
@Controller()
export class CapturePayment {
  constructor(
    private readonly payments: Payments,
    private readonly settle: SettlePayments,
    @Inject(PAYMENT_PROVIDER) private readonly provider: PaymentProvider,
  ) {}

  @Handles(capturePayment)
  async handle(messages: Received<typeof capturePayment>[], { tx }: Handling): Promise<void> {
    const asked = messages.map((message) => {
      const { orderId, customerId, total, paymentToken } = message.data;
      // The command's id, so that the same command, heard again by whatever restored database, asks under the same key.
      return { id: message.id, orderId, customerId, total, token: paymentToken, cause: causeOf(message) };
    });
    this.payments.store(tx, asked, this.provider.name, (stored) => this.settle.captures(stored));
    await failpoint('payments.capture.before-commit');
  }
}
