import { Injectable } from '@nestjs/common';
import { statement, type Transaction } from '@banyan/persistence';
import type { JWK } from 'jose';
import { AccessMemory } from './access-memory';

/** The public half of a key that signs access tokens. */
export interface VerificationKey {
  readonly kid: string;
  /** P-256, as a JWK. */
  readonly publicKey: JWK;
  /** Nothing is signed with it before. */
  readonly notBefore: Date;
  /** The last token it signed is out of date by then. */
  readonly expiresAt: Date;
}

const accept = statement(
  'access.accept-key',
  `insert into verification_key (kid, public_key, not_before, expires_at) values ($1, $2, $3, $4)
   on conflict (kid) do update set expires_at = excluded.expires_at`,
);
const recordErasure = statement(
  'access.record-erasure',
  'insert into erased_user (user_id) values ($1) on conflict do nothing',
);

/** The keys that this module checks tokens with, as it has heard of them. */
@Injectable()
export class VerificationKeys {
  constructor(private readonly memory: AccessMemory) {}

  /** Takes a key into use, as of the commit; of a key that is known already, the date it expires at. */
  async accept(tx: Transaction, key: VerificationKey): Promise<void> {
    await tx.query(accept, [key.kid, JSON.stringify(key.publicKey), key.notBefore, key.expiresAt]);
    tx.afterCommit(() => void this.memory.addKey(key.kid, key.publicKey, key.expiresAt));
  }
}

/** The users that this module has heard to be erased; their tokens are refused. */
@Injectable()
export class Erasures {
  constructor(private readonly memory: AccessMemory) {}

  /** Refuses the user's tokens as of the commit. May be told again. */
  async record(tx: Transaction, userId: string): Promise<void> {
    await tx.query(recordErasure, [userId]);
    tx.afterCommit(() => this.memory.addErased(userId));
  }
}
