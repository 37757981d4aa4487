import { SETTINGS, type Settings } from '@banyan/config';
import { accessMigrations, HttpModule, idempotencyMigrations } from '@banyan/http';
import { MessagingModule, messagingMigrations } from '@banyan/messaging';
import { parkedMessagesController } from '@banyan/operations';
import { PersistenceModule } from '@banyan/persistence';
import { Module } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { CancelPayment } from './cancel-payment';
import { CapturePayment } from './capture-payment';
import { FindPaymentsHandler } from './find-payments';
import { GetPaymentHandler } from './get-payment';
import * as messages from './messages';
import { CreatePayments1795183200001 } from './migrations/create-payments';
import { OnSigningKeyPublished } from './on-signing-key-published';
import { OnUserErased } from './on-user-erased';
import { Outcomes } from './outcomes';
import { PAYMENT_PROVIDER } from './payment-provider';
import { PaymentsController } from './payments.controller';
import { Payments } from './payments.repository';
import { RefundPaymentHandler } from './refund-payment';
import { SettlePayments } from './settle-payments';
import { SimulatedProvider } from './simulated-provider';
import * as subscriptions from './subscriptions';

const persistence = PersistenceModule.forModule({
  module: 'payments',
  migrations: [...messagingMigrations, ...idempotencyMigrations, ...accessMigrations, CreatePayments1795183200001],
});

/** Whose money was taken for which order, and what was given back of it. */
@Module({
  imports: [
    CqrsModule,
    persistence,
    MessagingModule.forModule({
      module: 'payments',
      persistence,
      publishes: Object.values(messages),
      hears: Object.values(subscriptions),
    }),
    HttpModule.forModule({ persistence, serves: ['/api/v1/payments'] }),
  ],
  controllers: [
    PaymentsController,
    parkedMessagesController('payments'),
    CapturePayment,
    CancelPayment,
    OnSigningKeyPublished,
    OnUserErased,
  ],
  providers: [
    Payments,
    Outcomes,
    SettlePayments,
    GetPaymentHandler,
    FindPaymentsHandler,
    RefundPaymentHandler,
    {
      provide: PAYMENT_PROVIDER,
      inject: [SETTINGS],
      useFactory: ({ payments }: Settings) =>
        new SimulatedProvider(payments.providerUrl, { timeoutMs: payments.requestTimeoutMs }),
    },
  ],
})
export class PaymentsModule {}
