import { Injectable, Logger } from '@nestjs/common';
import { Database, statement } from '@banyan/persistence';
import { importJWK, type CryptoKey, type JWK } from 'jose';

const keysInUse = statement<{ kid: string; publicKey: JWK; expiresAt: Date }>(
  'access.keys-in-use',
  'select kid, public_key as "publicKey", expires_at as "expiresAt" from verification_key where expires_at > now()',
);
// Tokens live ten minutes at most, so an erasure heard of earlier than that has nothing left to refuse.
const ERASURE_MATTERS_MS = 20 * 60_000;
const recentErasures = statement<{ userId: string }>(
  'access.recent-erasures',
  `select user_id as "userId" from erased_user where recorded_at > now() - interval '20 minutes'`,
);

// Other instances write to the same tables. Under load the copy is renewed behind the requests' backs once it is a
// second old; a request that finds it older than two, after a quiet time, waits for the new one. Idle: no query.
const RENEW_AFTER_MS = 1_000;
const TOO_OLD_AFTER_MS = 2_000;

/** A module's keys and recent erasures, kept in memory so that checking a token asks nobody. */
@Injectable()
export class AccessMemory {
  private readonly logger = new Logger('access');
  private readonly keys = new Map<string, { key: CryptoKey; untilMs: number }>();
  private readonly erased = new Map<string, { untilMs: number }>();
  private renewedAt = -Infinity;
  private renewal: Promise<void> | undefined;
  private readonly waiting = new Set<() => void>();

  constructor(private readonly database: Database) {}

  /** Resolves once the copy is fresh enough to decide by. */
  fresh(): Promise<void> | undefined {
    const age = performance.now() - this.renewedAt;
    if (age < RENEW_AFTER_MS) return undefined;
    const renewal = this.renew();
    return age < TOO_OLD_AFTER_MS ? undefined : renewal;
  }

  key(kid: string): CryptoKey | undefined {
    const known = this.keys.get(kid);
    return known && known.untilMs > Date.now() ? known.key : undefined;
  }

  isErased(userId: string): boolean {
    return this.erased.has(userId);
  }

  addErased(userId: string): void {
    this.erased.set(userId, { untilMs: Date.now() + ERASURE_MATTERS_MS });
  }

  async addKey(kid: string, publicKey: JWK, expiresAt: Date): Promise<void> {
    this.keys.set(kid, { key: await imported(publicKey), untilMs: expiresAt.getTime() });
    this.wake();
  }

  /** The key once it is known, or undefined after `patienceMs`: announced keys may be a moment behind the tokens they sign. */
  async awaitKey(kid: string, patienceMs: number): Promise<CryptoKey | undefined> {
    const deadline = performance.now() + patienceMs;
    for (;;) {
      const left = deadline - performance.now();
      if (this.keys.has(kid) || left <= 0) return this.key(kid);
      await this.somethingNew(Math.min(left, RENEW_AFTER_MS / 2));
      if (!this.keys.has(kid) && performance.now() - this.renewedAt >= RENEW_AFTER_MS) await this.renew();
    }
  }

  private renew(): Promise<void> {
    this.renewal ??= this.read().finally(() => (this.renewal = undefined));
    return this.renewal;
  }

  private async read(): Promise<void> {
    const startedAt = performance.now();
    try {
      const [keys, erasures] = await Promise.all([this.database.query(keysInUse), this.database.query(recentErasures)]);
      // Added to, never replaced: what was committed here while the query ran must not be lost.
      for (const { kid, publicKey, expiresAt } of keys) await this.addKey(kid, publicKey, expiresAt);
      for (const { userId } of erasures) if (!this.erased.has(userId)) this.addErased(userId);
      forgetPast(this.keys);
      forgetPast(this.erased);
    } catch (error) {
      // The database is away: what is known still decides, and the acts themselves will say that it is away.
      this.logger.warn({
        err: error,
        msg: 'The keys and erasures could not be read again; going on with what is known.',
      });
    }
    this.renewedAt = startedAt;
  }

  private somethingNew(withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, withinMs);
      this.waiting.add(done);
    });
  }

  private wake(): void {
    for (const done of [...this.waiting]) done();
  }
}

function forgetPast(entries: Map<string, { untilMs: number }>): void {
  const now = Date.now();
  for (const [id, { untilMs }] of entries) if (untilMs <= now) entries.delete(id);
}

async function imported(publicKey: JWK): Promise<CryptoKey> {
  return (await importJWK(publicKey, 'ES256')) as CryptoKey;
}
