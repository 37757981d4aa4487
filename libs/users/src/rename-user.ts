import { failpoint } from '@banyan/failpoints';
import { Outbox } from '@banyan/messaging';
import { Database } from '@banyan/persistence';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { userRenamed } from './messages';
import type { User } from './user';
import { UsersRepository } from './users.repository';

/** Changes the name, and says so only if it is another. Fails with `UserNotFound`. */
export class RenameUser extends Command<User> {
  constructor(
    readonly id: string,
    readonly name: string,
  ) {
    super();
  }
}

@CommandHandler(RenameUser)
export class RenameUserHandler implements ICommandHandler<RenameUser> {
  constructor(
    private readonly database: Database,
    private readonly users: UsersRepository,
    private readonly outbox: Outbox,
  ) {}

  async execute({ id, name }: RenameUser): Promise<User> {
    return this.database.transaction(async (tx) => {
      const user = await this.users.forChange(tx, id);
      if (user.name === name) return user;
      await this.users.rename(tx, id, name);
      await this.outbox.publish(tx, [userRenamed({ userId: id, name })]);
      await failpoint('rename-user.before-commit');
      return { ...user, name };
    });
  }
}
