import { Database } from '@banyan/persistence';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { v7 as uuidv7 } from 'uuid';
import { InvalidCredentials } from './errors';
import { Passwords } from './passwords';
import { SigningKeys } from './signing-keys';
import { TokenIssuer, type Tokens } from './tokens';
import { UsersRepository } from './users.repository';

/** Begins a family of tokens. Fails with `InvalidCredentials`, after the same time whether there is such a user or not. */
export class SignIn extends Command<Tokens> {
  constructor(
    readonly email: string,
    readonly password: string,
  ) {
    super();
  }
}

@CommandHandler(SignIn)
export class SignInHandler implements ICommandHandler<SignIn> {
  constructor(
    private readonly database: Database,
    private readonly users: UsersRepository,
    private readonly passwords: Passwords,
    private readonly signingKeys: SigningKeys,
    private readonly tokens: TokenIssuer,
  ) {}

  async execute({ email, password }: SignIn): Promise<Tokens> {
    const user = await this.users.withPassword(this.database, email);
    const matches = await this.passwords.matches(password, user?.passwordHash);
    if (!user || !matches) throw new InvalidCredentials();
    const now = new Date();
    const key = await this.signingKeys.current(now);
    return this.database.transaction(async (tx) => {
      // Erased while the password was checked: no token of theirs may come after it.
      await this.users.forChange(tx, user.id).catch(() => {
        throw new InvalidCredentials();
      });
      return this.tokens.issue(tx, user, uuidv7(), key, now);
    });
  }
}
