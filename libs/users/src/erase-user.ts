import { failpoint } from '@banyan/failpoints';
import { Erasures, Idempotency } from '@banyan/http';
import { Outbox } from '@banyan/messaging';
import { Database } from '@banyan/persistence';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { userErased, userRegistered, userRenamed } from './messages';
import { UsersRepository } from './users.repository';

const ERASED = '[erased]';

/**
 * Leaves nothing of a person: the account and the refresh tokens go, the name is taken out of the messages that are
 * still kept, and the user's tokens are refused, here at once and elsewhere as it is heard. Fails with `UserNotFound`.
 */
export class EraseUser extends Command<void> {
  constructor(readonly id: string) {
    super();
  }
}

@CommandHandler(EraseUser)
export class EraseUserHandler implements ICommandHandler<EraseUser> {
  constructor(
    private readonly database: Database,
    private readonly users: UsersRepository,
    private readonly outbox: Outbox,
    private readonly idempotency: Idempotency,
    private readonly erasures: Erasures,
  ) {}

  async execute({ id }: EraseUser): Promise<void> {
    await this.database.transaction(async (tx) => {
      // Locked first, so that a change of name that is under way is done with before the messages are searched.
      const { createdAt } = await this.users.forChange(tx, id);
      await this.users.remove(tx, id);
      await this.outbox.scrub(tx, userRegistered, [id], ['name'], ERASED, createdAt);
      await this.outbox.scrub(tx, userRenamed, [id], ['name'], ERASED, createdAt);
      await this.idempotency.scrub(tx, id);
      await this.erasures.record(tx, id);
      await this.outbox.publish(tx, [userErased({ userId: id })]);
      await failpoint('erase-user.before-commit');
    });
  }
}
