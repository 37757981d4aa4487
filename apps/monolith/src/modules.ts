import { InventoryModule } from '@banyan/inventory';
import { OrdersModule } from '@banyan/orders';
import { PaymentsModule } from '@banyan/payments';
import { UsersModule } from '@banyan/users';

/** What this app has: the whole shop, of which MODULES makes it host a part. */
export const modules = [UsersModule, InventoryModule, PaymentsModule, OrdersModule];
