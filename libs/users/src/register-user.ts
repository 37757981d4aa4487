import { failpoint } from '@banyan/failpoints';
import { Outbox } from '@banyan/messaging';
import { Database } from '@banyan/persistence';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { v7 as uuidv7 } from 'uuid';
import { EmailTaken } from './errors';
import { userRegistered } from './messages';
import { Passwords } from './passwords';
import type { User } from './user';
import { UsersRepository } from './users.repository';

/** Makes a customer. Fails with `EmailTaken`. */
export class RegisterUser extends Command<User> {
  constructor(
    readonly email: string,
    readonly password: string,
    readonly name: string,
  ) {
    super();
  }
}

@CommandHandler(RegisterUser)
export class RegisterUserHandler implements ICommandHandler<RegisterUser> {
  constructor(
    private readonly database: Database,
    private readonly users: UsersRepository,
    private readonly passwords: Passwords,
    private readonly outbox: Outbox,
  ) {}

  async execute({ email, password, name }: RegisterUser): Promise<User> {
    // The unique key decides; this only saves the hashing where the answer is known.
    if (await this.users.withPassword(this.database, email)) throw new EmailTaken();
    const passwordHash = await this.passwords.hash(password);
    const user: User = { id: uuidv7(), email, name, roles: ['customer'], createdAt: new Date() };
    await this.database.transaction(async (tx) => {
      await this.users.add(tx, user, passwordHash);
      await this.outbox.publish(tx, [userRegistered({ userId: user.id, name })]);
      await failpoint('register-user.before-commit');
    });
    return user;
  }
}
