import { accessMigrations, HttpModule, idempotencyMigrations } from '@banyan/http';
import { MessagingModule, messagingMigrations } from '@banyan/messaging';
import { parkedMessagesController } from '@banyan/operations';
import { PersistenceModule } from '@banyan/persistence';
import { Module } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { announceSigningKeys } from './announce-signing-keys';
import { announceUsers } from './announce-users';
import { AuthController } from './auth.controller';
import { EraseUserHandler } from './erase-user';
import { GetUserHandler } from './get-user';
import * as messages from './messages';
import { usersMigrations } from './migrations';
import { Passwords } from './passwords';
import { PrepareUsers } from './prepare-users';
import { RefreshTokensHandler } from './refresh-tokens';
import { RefreshTokensRepository } from './refresh-tokens.repository';
import { RegisterUserHandler } from './register-user';
import { RenameUserHandler } from './rename-user';
import { RotateSigningKeyHandler } from './rotate-signing-key';
import { SignInHandler } from './sign-in';
import { SignOutHandler } from './sign-out';
import { SigningKeys } from './signing-keys';
import { SigningKeysController } from './signing-keys.controller';
import { TokenIssuer } from './tokens';
import { UsersController } from './users.controller';
import { UsersRepository } from './users.repository';

const persistence = PersistenceModule.forModule({
  module: 'users',
  migrations: [...messagingMigrations, ...idempotencyMigrations, ...accessMigrations, ...usersMigrations],
});

/** Who uses the shop, and how they prove who they are. */
@Module({
  imports: [
    CqrsModule,
    persistence,
    MessagingModule.forModule({
      module: 'users',
      persistence,
      publishes: Object.values(messages),
      hears: [],
      announcers: [announceSigningKeys, announceUsers],
    }),
    HttpModule.forModule({ persistence, serves: ['/api/v1/users', '/api/v1/auth', '/.well-known/jwks.json'] }),
  ],
  controllers: [UsersController, AuthController, SigningKeysController, parkedMessagesController('users')],
  providers: [
    UsersRepository,
    RefreshTokensRepository,
    Passwords,
    SigningKeys,
    TokenIssuer,
    PrepareUsers,
    RegisterUserHandler,
    SignInHandler,
    RefreshTokensHandler,
    SignOutHandler,
    GetUserHandler,
    RenameUserHandler,
    EraseUserHandler,
    RotateSigningKeyHandler,
  ],
})
export class UsersModule {}
