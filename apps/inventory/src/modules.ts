import { InventoryModule } from '@banyan/inventory';

/** What this app hosts: inventory alone. */
export const modules = [InventoryModule];
