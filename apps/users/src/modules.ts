import { UsersModule } from '@banyan/users';

/** What this app hosts: users alone. */
export const modules = [UsersModule];
