import { createHash, randomBytes } from 'node:crypto';
import { statement, type Transaction } from '@banyan/persistence';
import { Injectable } from '@nestjs/common';

/** A refresh token as it is kept: by its hash, so that the table gives nobody a token. */
export interface KeptRefreshToken {
  readonly family: string;
  readonly userId: string;
  readonly expiresAt: Date;
  readonly spentAt: Date | null;
}

const add = statement<never>(
  'refresh-tokens.add',
  'INSERT INTO refresh_token (token_hash, family, user_id, issued_at, expires_at) VALUES ($1, $2, $3, $4, $5)',
);
const find = statement<KeptRefreshToken>(
  'refresh-tokens.find',
  `SELECT family, user_id AS "userId", expires_at AS "expiresAt", spent_at AS "spentAt"
   FROM refresh_token WHERE token_hash = $1 FOR UPDATE`,
);
const spend = statement<never>('refresh-tokens.spend', 'UPDATE refresh_token SET spent_at = $2 WHERE token_hash = $1');
const revokeFamily = statement<never>('refresh-tokens.revoke-family', 'DELETE FROM refresh_token WHERE family = $1');
const revokeAll = statement<never>('refresh-tokens.revoke-all', 'DELETE FROM refresh_token WHERE user_id = $1');
const forgetPast = statement<never>(
  'refresh-tokens.forget-past',
  'DELETE FROM refresh_token WHERE user_id = $1 AND expires_at < $2',
);

/** Refresh tokens: each is good for one use, and all that come of one sign-in are a family. */
@Injectable()
export class RefreshTokensRepository {
  /** Keeps a new token of the family and answers it; it is never seen again. */
  async issue(tx: Transaction, kept: Omit<KeptRefreshToken, 'spentAt'>, now: Date): Promise<string> {
    // The prefix lets logs and secret scanners know one when they see it.
    const token = `brt_${randomBytes(32).toString('base64url')}`;
    await tx.query(forgetPast, [kept.userId, now]);
    await tx.query(add, [hashOf(token), kept.family, kept.userId, now, kept.expiresAt]);
    return token;
  }

  /** The token, locked, so that of two uses at once one comes second. */
  async find(tx: Transaction, token: string): Promise<KeptRefreshToken | undefined> {
    const [kept] = await tx.query(find, [hashOf(token)]);
    return kept;
  }

  async spend(tx: Transaction, token: string, now: Date): Promise<void> {
    await tx.query(spend, [hashOf(token), now]);
  }

  async revokeFamily(tx: Transaction, family: string): Promise<void> {
    await tx.query(revokeFamily, [family]);
  }

  async revokeAll(tx: Transaction, userId: string): Promise<void> {
    await tx.query(revokeAll, [userId]);
  }
}

// A token is random, so a fast hash tells as little as a slow one would.
function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
