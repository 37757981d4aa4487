import { Inject, Injectable } from '@nestjs/common';
import { SETTINGS, type Settings } from '@banyan/config';
import { Problem } from '@banyan/problem';
import { errors, jwtVerify, type JWTVerifyGetKey } from 'jose';
import { z } from 'zod';
import { AccessMemory } from './access-memory';
import type { Caller } from './caller';
import type { Audience } from './route';

const MOST_SECONDS = 600;
const CLOCK_TOLERANCE_SECONDS = 5;
const PATIENCE_MS = 2_000;
// A flood of made-up key ids may hold this many requests, and no more.
const MOST_WAITING = 256;
const REMEMBERED_TOKENS = 10_000;

const claims = z.object({
  // As erasures have it, so that no other way of writing it gets round them.
  sub: z.uuid().toLowerCase(),
  roles: z.array(z.string()),
  iat: z.int(),
  exp: z.int(),
});

interface Verified {
  readonly caller: Caller;
  readonly expiresAtMs: number;
}

/** Checks access tokens against the module's own keys, without calling anybody. */
@Injectable()
export class AccessTokens {
  // Insertion order is age: a hit is moved to the end, and the first goes when it is full.
  private readonly verified = new Map<string, Verified>();
  private waiting = 0;

  constructor(
    private readonly memory: AccessMemory,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /** The caller of a route that is not for anyone. Throws the `Problem` with 401 or 403. */
  async admit(authorization: string | undefined, audience: Audience): Promise<Caller> {
    const token = /^Bearer ([\w.~+/=-]+)$/i.exec(authorization ?? '')?.[1];
    if (token === undefined) {
      throw new Problem('unauthenticated', 'This call needs an access token: Authorization: Bearer <accessToken>.', {
        headers: { 'WWW-Authenticate': 'Bearer' },
      });
    }
    const caller = await this.callerOf(token);
    if (audience !== 'user' && !caller.roles.includes(audience)) {
      throw new Problem('forbidden', `This call is for the role ${audience}.`);
    }
    return caller;
  }

  private async callerOf(token: string): Promise<Caller> {
    const freshening = this.memory.fresh();
    if (freshening) await freshening;
    const { caller } = this.recall(token) ?? (await this.verify(token));
    if (this.memory.isErased(caller.id)) throw invalid('The user of this access token no longer exists.');
    return caller;
  }

  private recall(token: string): Verified | undefined {
    const known = this.verified.get(token);
    if (!known) return undefined;
    this.verified.delete(token);
    if (known.expiresAtMs <= Date.now()) return undefined;
    this.verified.set(token, known);
    return known;
  }

  private async verify(token: string): Promise<Verified> {
    if (!token.split('.').every(isWrittenAsEncoded)) throw invalid('The access token is not valid.');
    const { payload } = await jwtVerify(token, this.keyFor, {
      algorithms: ['ES256'],
      issuer: this.settings.tokens.issuer,
      audience: this.settings.tokens.audience,
      maxTokenAge: MOST_SECONDS,
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
    }).catch((error: unknown) => {
      if (error instanceof errors.JWTExpired) throw invalid('The access token has expired; refresh it.');
      if (error instanceof errors.JOSEError) throw invalid('The access token is not valid.');
      throw error;
    });
    const claimed = claims.safeParse(payload);
    if (!claimed.success || claimed.data.exp - claimed.data.iat > MOST_SECONDS) {
      throw invalid('The access token does not claim what it must.');
    }
    const { sub, roles, exp } = claimed.data;
    const verified = { caller: { id: sub, roles }, expiresAtMs: exp * 1000 };
    this.verified.set(token, verified);
    if (this.verified.size > REMEMBERED_TOKENS) {
      for (const oldest of this.verified.keys()) {
        this.verified.delete(oldest);
        break;
      }
    }
    return verified;
  }

  private readonly keyFor: JWTVerifyGetKey = async ({ kid, typ }) => {
    // The same keys may come to sign tokens of other kinds, which are no access tokens.
    if (typ !== undefined && typ !== 'JWT') throw invalid('The token is no access token.');
    if (!kid) throw invalid('The access token names no key.');
    const key = this.memory.key(kid) ?? (await this.waitFor(kid));
    if (!key) throw invalid('The access token is signed with an unknown key.');
    return key;
  };

  private async waitFor(kid: string) {
    if (this.waiting >= MOST_WAITING) return undefined;
    this.waiting += 1;
    try {
      return await this.memory.awaitKey(kid, PATIENCE_MS);
    } finally {
      this.waiting -= 1;
    }
  }
}

/** Padding and unread bits would give one token many ways of being written, and decoders are lenient about both. */
function isWrittenAsEncoded(part: string): boolean {
  return Buffer.from(part, 'base64url').toString('base64url') === part;
}

function invalid(detail: string): Problem {
  return new Problem('invalid-token', detail, {
    headers: { 'WWW-Authenticate': 'Bearer error="invalid_token"' },
  });
}
