import { SETTINGS, type Settings } from '@banyan/config';
import { failpoint } from '@banyan/failpoints';
import { VerificationKeys } from '@banyan/http';
import { Outbox } from '@banyan/messaging';
import { Database, statement, type Transaction } from '@banyan/persistence';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { exportJWK, exportPKCS8, generateKeyPair, importPKCS8, type CryptoKey } from 'jose';
import { v7 as uuidv7 } from 'uuid';
import { signingKeyPublished } from './messages';
import { seal, unseal } from './sealed-key';

export interface PublicKey {
  readonly kty: 'EC';
  readonly crv: 'P-256';
  readonly x: string;
  readonly y: string;
}

/** A key as the world may see it. */
export interface SigningKey {
  readonly kid: string;
  readonly publicKey: PublicKey;
  /** Signs nothing before: the modules hear of a key first. */
  readonly notBefore: Date;
  /** No token that it signed lives longer. */
  readonly expiresAt: Date;
}

/** What signs. */
export interface PrivateKey {
  readonly kid: string;
  readonly privateKey: CryptoKey;
}

interface KeptKey extends SigningKey {
  readonly sealedPrivateKey: Buffer;
  readonly renewAt: Date;
}

const ALGORITHM = 'ES256';
const SECOND_MS = 1_000;
const DAY_MS = 86_400_000;
// The way of an announcement is a matter of milliseconds; a verifier that is later still waits for it.
const ANNOUNCED_AHEAD_MS = 5 * SECOND_MS;
// Instances read the keys again when theirs are a second old, and clocks differ a little.
const LEEWAY_MS = 60 * SECOND_MS;
const READ_AGAIN_AFTER_MS = SECOND_MS;
// How long a shop that nobody signed in to goes on with a key that was due to be renewed.
const GRACE_DAYS = 7;

const keysInUse = statement<KeptKey>(
  'signing-keys.in-use',
  `SELECT kid, public_key AS "publicKey", sealed_private_key AS "sealedPrivateKey", not_before AS "notBefore",
          renew_at AS "renewAt", expires_at AS "expiresAt"
   FROM signing_key WHERE expires_at > $1 ORDER BY not_before, kid`,
);
const add = statement<never>(
  'signing-keys.add',
  `INSERT INTO signing_key (kid, public_key, sealed_private_key, not_before, renew_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)`,
);
const retire = statement<SigningKey>(
  'signing-keys.retire',
  `UPDATE signing_key SET expires_at = $1 WHERE expires_at > $1
   RETURNING kid, public_key AS "publicKey", not_before AS "notBefore", expires_at AS "expiresAt"`,
);
const forgetPast = statement<never>('signing-keys.forget-past', 'DELETE FROM signing_key WHERE expires_at < $1');

/**
 * The keys that access tokens are signed with. The private halves lie encrypted in the database, so that all instances
 * sign with the same one; each key is announced before its first use, and the one before it is kept until the
 * last token that it signed is out of date.
 */
@Injectable()
export class SigningKeys {
  private readonly logger = new Logger('users');
  /** Null: it cannot be opened. */
  private readonly opened = new Map<string, CryptoKey | null>();
  private kept: KeptKey[] = [];
  private readAt = -Infinity;
  private reading: Promise<void> | undefined;
  private renewing: Promise<unknown> | undefined;

  constructor(
    @Inject(SETTINGS) private readonly settings: Settings,
    private readonly database: Database,
    private readonly outbox: Outbox,
    private readonly verificationKeys: VerificationKeys,
  ) {}

  /**
   * The key to sign with now; makes the first one, and renews one that is due behind the caller's back. To be asked for
   * outside a transaction, since it may need a connection of its own.
   */
  async current(now = new Date()): Promise<PrivateKey> {
    await this.readIfOld(now);
    const usable = await this.latestUsable(now);
    if (!usable) return this.first(now);
    const { key } = usable;
    const successor = this.kept.some(({ notBefore }) => notBefore > key.notBefore);
    if (key.renewAt <= now && !successor) this.renewBehind(now);
    return { kid: key.kid, privateKey: usable.privateKey };
  }

  /** All keys that a token in use may be signed with, and those about to be. */
  async published(now = new Date()): Promise<readonly SigningKey[]> {
    await this.readIfOld(now);
    return this.kept.filter(({ expiresAt }) => expiresAt > now);
  }

  /** Adds a key in the caller's transaction and announces it, and the earlier end of those that it takes over from. */
  async rotate(tx: Transaction, now = new Date()): Promise<SigningKey> {
    const usable = await this.latestUsable(now, await this.lock(tx, now));
    const notBefore = usable ? new Date(now.getTime() + ANNOUNCED_AHEAD_MS) : now;
    const retired = await tx.query(retire, [new Date(notBefore.getTime() + this.tokenLifeMs() + LEEWAY_MS)]);
    const key = await this.make(tx, notBefore);
    await tx.query(forgetPast, [now]);
    await this.announce(tx, [...retired, key]);
    await failpoint('rotate-signing-key.before-commit');
    tx.afterCommit(() => (this.readAt = -Infinity));
    return key;
  }

  private async first(now: Date): Promise<PrivateKey> {
    await this.database.transaction(async (tx) => {
      // Another instance may have been quicker.
      if (!(await this.latestUsable(now, await this.lock(tx, now)))) await this.rotate(tx, now);
    });
    await this.read(now);
    // Written by whoever was quicker, by a clock that may be a little ahead of ours.
    const usable = await this.latestUsable(new Date(now.getTime() + LEEWAY_MS));
    if (!usable) throw new Error('A signing key was made, and cannot be opened again.');
    return { kid: usable.key.kid, privateKey: usable.privateKey };
  }

  private renewBehind(now: Date): void {
    this.renewing ??= this.database
      .transaction(async (tx) => {
        const kept = await this.lock(tx, now);
        if (kept.every(({ renewAt }) => renewAt <= now)) await this.rotate(tx, now);
      })
      .catch((error: unknown) =>
        this.logger.error({ err: error, msg: 'The signing key is due, and could not be renewed.' }),
      )
      .finally(() => (this.renewing = undefined));
  }

  // One instance at a time; reading what there is comes after the lock, so that the others see its key.
  private async lock(tx: Transaction, now: Date): Promise<KeptKey[]> {
    await tx.query('LOCK TABLE signing_key IN SHARE ROW EXCLUSIVE MODE');
    return tx.query(keysInUse, [now]);
  }

  private async make(tx: Transaction, notBefore: Date): Promise<SigningKey> {
    const pair = await generateKeyPair(ALGORITHM, { extractable: true });
    const { x, y } = await exportJWK(pair.publicKey);
    const publicKey: PublicKey = { kty: 'EC', crv: 'P-256', x: x as string, y: y as string };
    const kid = uuidv7();
    const sealed = seal(await exportPKCS8(pair.privateKey), kid, this.settings.tokens.signingKeySecret);
    const renewAt = new Date(notBefore.getTime() + this.settings.tokens.signingKeyLifetimeDays * DAY_MS);
    const expiresAt = new Date(renewAt.getTime() + GRACE_DAYS * DAY_MS);
    await tx.query(add, [kid, JSON.stringify(publicKey), sealed, notBefore, renewAt, expiresAt]);
    return { kid, publicKey, notBefore, expiresAt };
  }

  private async announce(tx: Transaction, keys: readonly SigningKey[]): Promise<void> {
    for (const key of keys) await this.verificationKeys.accept(tx, key);
    const messages = keys.map(({ kid, publicKey, notBefore, expiresAt }) =>
      signingKeyPublished({
        kid,
        publicKey,
        notBefore: notBefore.toISOString(),
        expiresAt: expiresAt.toISOString(),
      }),
    );
    await this.outbox.publish(tx, messages);
  }

  /** The latest key that may sign a token now, and that this process can open. */
  private async latestUsable(now: Date, kept: readonly KeptKey[] = this.kept) {
    const longEnough = now.getTime() + this.tokenLifeMs();
    const candidates = kept.filter(({ notBefore, expiresAt }) => notBefore <= now && expiresAt.getTime() >= longEnough);
    for (const key of candidates.toReversed()) {
      const privateKey = await this.open(key);
      if (privateKey) return { key, privateKey };
    }
    return undefined;
  }

  private async open({ kid, sealedPrivateKey }: KeptKey): Promise<CryptoKey | null> {
    const known = this.opened.get(kid);
    if (known !== undefined) return known;
    let pem: string;
    try {
      pem = unseal(sealedPrivateKey, kid, this.settings.tokens.signingKeySecret);
    } catch {
      // The secret was changed: the key still verifies what it signed, and a new one takes over.
      this.logger.warn(`The signing key ${kid} was sealed with another SIGNING_KEY_SECRET and signs no more.`);
      this.opened.set(kid, null);
      return null;
    }
    const privateKey = await importPKCS8(pem, ALGORITHM);
    this.opened.set(kid, privateKey);
    return privateKey;
  }

  private async readIfOld(now: Date): Promise<void> {
    if (performance.now() - this.readAt < READ_AGAIN_AFTER_MS) return;
    this.reading ??= this.read(now).finally(() => (this.reading = undefined));
    await this.reading;
  }

  private async read(now: Date): Promise<void> {
    const startedAt = performance.now();
    this.kept = await this.database.query(keysInUse, [now]);
    this.readAt = startedAt;
  }

  private tokenLifeMs(): number {
    return this.settings.tokens.accessTokenSeconds * SECOND_MS;
  }
}
