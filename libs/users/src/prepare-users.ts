import { SETTINGS, type Settings } from '@banyan/config';
import { Outbox } from '@banyan/messaging';
import { Database } from '@banyan/persistence';
import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { userRegistered } from './messages';
import { Passwords } from './passwords';
import { RefreshTokensRepository } from './refresh-tokens.repository';
import { SigningKeys } from './signing-keys';
import type { User } from './user';
import { UsersRepository } from './users.repository';

const ADMIN_NAME = 'Administrator';

/** Sees to it at start that there are a signing key and the administrator that the settings name. */
@Injectable()
export class PrepareUsers implements OnApplicationBootstrap {
  constructor(
    @Inject(SETTINGS) private readonly settings: Settings,
    private readonly database: Database,
    private readonly users: UsersRepository,
    private readonly refreshTokens: RefreshTokensRepository,
    private readonly passwords: Passwords,
    private readonly signingKeys: SigningKeys,
    private readonly outbox: Outbox,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.signingKeys.current();
    const { admin } = this.settings;
    if (admin) await this.ensureAdmin(admin.email, admin.password);
  }

  private async ensureAdmin(email: string, password: string): Promise<void> {
    const found = await this.users.withPassword(this.database, email);
    const isAdmin = found?.roles.includes('admin') ?? false;
    if (isAdmin && (await this.passwords.matches(password, found?.passwordHash))) return;
    const passwordHash = await this.passwords.hash(password);
    await this.database.transaction(async (tx) => {
      // Of several instances that start at once, the others wait here, and then find the administrator.
      await tx.query('LOCK TABLE account IN SHARE ROW EXCLUSIVE MODE');
      const existing = await this.users.withPassword(tx, email);
      if (existing) {
        // Whoever had the old password, or the address before it was the administrator's, is out.
        await this.users.makeAdmin(tx, existing.id, passwordHash);
        await this.refreshTokens.revokeAll(tx, existing.id);
        return;
      }
      const user: User = { id: uuidv7(), email, name: ADMIN_NAME, roles: ['admin'], createdAt: new Date() };
      await this.users.add(tx, user, passwordHash);
      await this.outbox.publish(tx, [userRegistered({ userId: user.id, name: user.name })]);
    });
  }
}
