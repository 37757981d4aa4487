import { PaymentsModule } from '@banyan/payments';

/** What this app hosts: payments alone. */
export const modules = [PaymentsModule];
