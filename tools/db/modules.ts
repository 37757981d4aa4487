import { InventoryModule } from '@banyan/inventory';
import { PaymentsModule } from '@banyan/payments';
import { moduleDataOf } from '@banyan/persistence';

/** What each module keeps in its database. */
export const moduleData = [InventoryModule, PaymentsModule].map(moduleDataOf);
