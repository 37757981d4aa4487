import { failpoint } from '@banyan/failpoints';
import { Database, type Transaction } from '@banyan/persistence';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { InvalidRefreshToken } from './errors';
import { RefreshTokensRepository } from './refresh-tokens.repository';
import { SigningKeys, type PrivateKey } from './signing-keys';
import { TokenIssuer, type Tokens } from './tokens';
import { UsersRepository } from './users.repository';

/**
 * Spends a refresh token for a new pair. Fails with `InvalidRefreshToken`; where the token was spent before, it has been
 * copied, and its whole family is revoked.
 */
export class RefreshTokens extends Command<Tokens> {
  constructor(readonly refreshToken: string) {
    super();
  }
}

@CommandHandler(RefreshTokens)
export class RefreshTokensHandler implements ICommandHandler<RefreshTokens> {
  constructor(
    private readonly database: Database,
    private readonly users: UsersRepository,
    private readonly refreshTokens: RefreshTokensRepository,
    private readonly signingKeys: SigningKeys,
    private readonly tokens: TokenIssuer,
  ) {}

  async execute({ refreshToken }: RefreshTokens): Promise<Tokens> {
    const now = new Date();
    const key = await this.signingKeys.current(now);
    // Refused only after the commit: a revocation must outlive the refusal.
    const tokens = await this.database.transaction((tx) => this.refresh(tx, refreshToken, key, now));
    if (!tokens) throw new InvalidRefreshToken();
    return tokens;
  }

  private async refresh(tx: Transaction, token: string, key: PrivateKey, now: Date): Promise<Tokens | undefined> {
    const kept = await this.refreshTokens.find(tx, token);
    if (!kept || kept.expiresAt <= now) return undefined;
    if (kept.spentAt) {
      await this.refreshTokens.revokeFamily(tx, kept.family);
      return undefined;
    }
    const user = await this.users.get(tx, kept.userId);
    await this.refreshTokens.spend(tx, token, now);
    const tokens = await this.tokens.issue(tx, user, kept.family, key, now);
    await failpoint('refresh-tokens.before-commit');
    return tokens;
  }
}
