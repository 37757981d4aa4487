import { generateKeyPairSync, randomUUID, sign, type KeyObject } from 'node:crypto';
import { Client } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import type { Shop } from '../journeys/shop/shop';

export type Members = Record<string, unknown>;

/** What an access token is made of, before it is signed. Members that are undefined are left out. */
export interface Draft {
  header: Members;
  claims: Members;
}

/** As JWS wants it: base64url without padding. */
export const base64url = (value: string | Buffer): string => Buffer.from(value).toString('base64url');
export const part = (value: unknown): string => base64url(JSON.stringify(value));

/** Signs tokens with a key of its own, which the shop trusts: a forger differs from the shop in what he writes only. */
export class Forger {
  private constructor(
    readonly kid: string,
    readonly privateKey: KeyObject,
    readonly publicKey: KeyObject,
    readonly sub: string,
    private readonly issuer: Members,
  ) {}

  /** @param genuine a token of the shop's own, whose issuer and audience are taken over */
  static async employedBy(shop: Shop, genuine: string): Promise<Forger> {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const kid = uuidv7();
    const jwk = JSON.stringify(publicKey.export({ format: 'jwk' }));
    for (const url of shop.databaseUrls) {
      const database = new Client({ connectionString: url });
      await database.connect();
      try {
        const { rows } = await database.query<{ module: string }>(
          `SELECT quote_ident(schemaname) AS module FROM pg_tables WHERE tablename = 'verification_key'`,
        );
        for (const { module } of rows) {
          await database.query(
            `INSERT INTO ${module}.verification_key VALUES ($1, $2, now(), now() + interval '1 hour')`,
            [kid, jwk],
          );
        }
      } finally {
        await database.end();
      }
    }
    const { iss, aud } = JSON.parse(Buffer.from(genuine.split('.')[1]!, 'base64url').toString()) as Members;
    return new Forger(kid, privateKey, publicKey, randomUUID(), { iss, aud });
  }

  /** What a flawless token says: an admin's, who is a customer as well, so that it opens every door. */
  flawless(): Draft {
    const iat = Math.floor(Date.now() / 1000);
    return {
      header: { alg: 'ES256', kid: this.kid, typ: 'JWT' },
      claims: { roles: ['admin', 'customer'], sub: this.sub, ...this.issuer, iat, exp: iat + 600 },
    };
  }

  signed({ header, claims }: Draft, key: KeyObject = this.privateKey): string {
    return this.seal(part(header), part(claims), key);
  }

  /** A token of the parts as they stand, signed. */
  seal(header: string, claims: string, key: KeyObject = this.privateKey): string {
    const signature = sign('sha256', Buffer.from(`${header}.${claims}`), { key, dsaEncoding: 'ieee-p1363' });
    return `${header}.${claims}.${base64url(signature)}`;
  }
}
