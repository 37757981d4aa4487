import { accessMigrations, HttpModule, idempotencyMigrations } from '@banyan/http';
import { MessagingModule, messagingMigrations } from '@banyan/messaging';
import { parkedMessagesController } from '@banyan/operations';
import { PersistenceModule } from '@banyan/persistence';
import { Module } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { AdjustStockHandler } from './adjust-stock';
import { announceProducts } from './announce-products';
import { ChangeProductHandler } from './change-product';
import { CommitStock } from './commit-stock';
import { GetProductHandler } from './get-product';
import { ListProductHandler } from './list-product';
import * as messages from './messages';
import { inventoryMigrations } from './migrations';
import { OnSigningKeyPublished } from './on-signing-key-published';
import { OnUserErased } from './on-user-erased';
import { ProductsController } from './products.controller';
import { ProductsRepository } from './products.repository';
import { ReleaseStock } from './release-stock';
import { ReserveStock } from './reserve-stock';
import { SearchProductsHandler } from './search-products';
import { SeedCatalogue } from './seed-catalogue';
import { StockRepository } from './stock.repository';
import * as subscriptions from './subscriptions';

const persistence = PersistenceModule.forModule({
  module: 'inventory',
  migrations: [...messagingMigrations, ...idempotencyMigrations, ...accessMigrations, ...inventoryMigrations],
});

/** What the shop sells, how much of it there is, and to whom it is promised. */
@Module({
  imports: [
    CqrsModule,
    persistence,
    MessagingModule.forModule({
      module: 'inventory',
      persistence,
      publishes: Object.values(messages),
      hears: Object.values(subscriptions),
      announcers: [announceProducts],
    }),
    HttpModule.forModule({ persistence, serves: ['/api/v1/products'] }),
  ],
  controllers: [
    ProductsController,
    parkedMessagesController('inventory'),
    ReserveStock,
    CommitStock,
    ReleaseStock,
    OnSigningKeyPublished,
    OnUserErased,
  ],
  providers: [
    ProductsRepository,
    StockRepository,
    ListProductHandler,
    ChangeProductHandler,
    AdjustStockHandler,
    GetProductHandler,
    SearchProductsHandler,
    SeedCatalogue,
  ],
})
export class InventoryModule {}
