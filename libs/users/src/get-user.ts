import { Database } from '@banyan/persistence';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import type { User } from './user';
import { UsersRepository } from './users.repository';

/** Fails with `UserNotFound`. */
export class GetUser extends Query<User> {
  constructor(readonly id: string) {
    super();
  }
}

@QueryHandler(GetUser)
export class GetUserHandler implements IQueryHandler<GetUser> {
  constructor(
    private readonly database: Database,
    private readonly users: UsersRepository,
  ) {}

  async execute({ id }: GetUser): Promise<User> {
    return this.users.get(this.database, id);
  }
}
