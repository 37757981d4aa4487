import { CreateAccounts1795183200101 } from './create-accounts';
import { CreateSigningKeys1795183200102 } from './create-signing-keys';

/** Users' own tables; those of the platform's libraries come from them. */
export const usersMigrations = [CreateAccounts1795183200101, CreateSigningKeys1795183200102];
