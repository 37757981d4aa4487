import { InventoryModule } from '@banyan/inventory';
import { OrdersModule } from '@banyan/orders';
import { PaymentsModule } from '@banyan/payments';
import { moduleDataOf } from '@banyan/persistence';
import { UsersModule } from '@banyan/users';

/** What each module keeps in its database. */
export const moduleData = [UsersModule, OrdersModule, PaymentsModule, InventoryModule].map(moduleDataOf);
