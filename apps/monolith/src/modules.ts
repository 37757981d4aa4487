import { InventoryModule } from '@banyan/inventory';
import { OrdersModule } from '@banyan/orders';
import { PaymentsModule } from '@banyan/payments';
import { UsersModule } from '@banyan/users';

/** What this app hosts: the whole shop. */
export const modules = [UsersModule, InventoryModule, PaymentsModule, OrdersModule];
