import { Idempotency, type Attempt } from '@banyan/http';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { RefreshTokensRepository } from './refresh-tokens.repository';

/** Revokes the family of one of the caller's refresh tokens; an unknown one is as good as revoked. */
export class SignOut extends Command<void> {
  constructor(
    readonly refreshToken: string,
    readonly attempt: Attempt,
  ) {
    super();
  }
}

@CommandHandler(SignOut)
export class SignOutHandler implements ICommandHandler<SignOut> {
  constructor(
    private readonly idempotency: Idempotency,
    private readonly refreshTokens: RefreshTokensRepository,
  ) {}

  async execute({ refreshToken, attempt }: SignOut): Promise<void> {
    await this.idempotency.once(attempt, async (tx) => {
      const kept = await this.refreshTokens.find(tx, refreshToken);
      if (kept?.userId === attempt.caller) await this.refreshTokens.revokeFamily(tx, kept.family);
    });
  }
}
