import { accessMigrations, HttpModule, idempotencyMigrations } from '@banyan/http';
import { MessagingModule, messagingMigrations } from '@banyan/messaging';
import { parkedMessagesController } from '@banyan/operations';
import { PersistenceModule } from '@banyan/persistence';
import { processManagerMigrations } from '@banyan/process-manager';
import { Module } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { CancelOrderHandler } from './cancel-order';
import { FulfilOrders, Fulfilments } from './fulfil-orders';
import { GetOrderHandler } from './get-order';
import { ListOrdersHandler } from './list-orders';
import * as messages from './messages';
import { ordersMigrations } from './migrations';
import { OnCustomerNamed } from './on-customer-named';
import { OnProductAnnounced } from './on-product-announced';
import { OnSigningKeyPublished } from './on-signing-key-published';
import { OnUserErased } from './on-user-erased';
import { OrderHistoryHandler } from './order-history';
import { OrdersController } from './orders.controller';
import { OrdersRepository } from './orders.repository';
import { PlaceOrderHandler } from './place-order';
import {
  fulfilmentMessages,
  productChanged,
  productListed,
  signingKeyPublished,
  userErased,
  userRegistered,
  userRenamed,
} from './subscriptions';

const persistence = PersistenceModule.forModule({
  module: 'orders',
  migrations: [
    ...messagingMigrations,
    ...processManagerMigrations,
    ...idempotencyMigrations,
    ...accessMigrations,
    ...ordersMigrations,
  ],
});

/** What customers order, and the fulfilment that brings every order to its end. */
@Module({
  imports: [
    CqrsModule,
    persistence,
    MessagingModule.forModule({
      module: 'orders',
      persistence,
      publishes: Object.values(messages),
      hears: [
        signingKeyPublished,
        userRegistered,
        userRenamed,
        userErased,
        productListed,
        productChanged,
        ...fulfilmentMessages,
      ],
    }),
    HttpModule.forModule({ persistence, serves: ['/api/v1/orders'] }),
  ],
  controllers: [
    OrdersController,
    parkedMessagesController('orders'),
    FulfilOrders,
    OnProductAnnounced,
    OnCustomerNamed,
    OnUserErased,
    OnSigningKeyPublished,
  ],
  providers: [
    OrdersRepository,
    Fulfilments,
    PlaceOrderHandler,
    CancelOrderHandler,
    GetOrderHandler,
    ListOrdersHandler,
    OrderHistoryHandler,
  ],
})
export class OrdersModule {}
