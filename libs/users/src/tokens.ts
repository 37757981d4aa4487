import { SETTINGS, type Settings } from '@banyan/config';
import type { Transaction } from '@banyan/persistence';
import { Inject, Injectable } from '@nestjs/common';
import { SignJWT } from 'jose';
import { RefreshTokensRepository } from './refresh-tokens.repository';
import type { PrivateKey } from './signing-keys';
import type { User } from './user';

/** What a sign-in or a refresh is answered with. */
export interface Tokens {
  readonly accessToken: string;
  readonly tokenType: 'Bearer';
  /** Seconds that the access token lives. */
  readonly expiresIn: number;
  readonly refreshToken: string;
}

const DAY_MS = 86_400_000;

/** Issues the two tokens of a signed-in user. */
@Injectable()
export class TokenIssuer {
  constructor(
    @Inject(SETTINGS) private readonly settings: Settings,
    private readonly refreshTokens: RefreshTokensRepository,
  ) {}

  /** `family`: of all refresh tokens that come of one sign-in. `key`: the current one. */
  async issue(
    tx: Transaction,
    user: Pick<User, 'id' | 'roles'>,
    family: string,
    key: PrivateKey,
    now: Date,
  ): Promise<Tokens> {
    const { refreshTokenDays, accessTokenSeconds } = this.settings.tokens;
    const expiresAt = new Date(now.getTime() + refreshTokenDays * DAY_MS);
    const refreshToken = await this.refreshTokens.issue(tx, { family, userId: user.id, expiresAt }, now);
    const accessToken = await this.sign(user, key, now);
    return { accessToken, tokenType: 'Bearer', expiresIn: accessTokenSeconds, refreshToken };
  }

  private async sign(
    { id, roles }: Pick<User, 'id' | 'roles'>,
    { kid, privateKey }: PrivateKey,
    now: Date,
  ): Promise<string> {
    const { issuer, audience, accessTokenSeconds } = this.settings.tokens;
    const issuedAt = Math.floor(now.getTime() / 1000);
    return new SignJWT({ roles })
      .setProtectedHeader({ alg: 'ES256', kid, typ: 'JWT' })
      .setSubject(id)
      .setIssuer(issuer)
      .setAudience(audience)
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + accessTokenSeconds)
      .sign(privateKey);
  }
}
