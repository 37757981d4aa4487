import { OrdersModule } from '@banyan/orders';

/** What this app hosts: orders alone. */
export const modules = [OrdersModule];
