import type { Announcer } from '@banyan/messaging';
import { statement } from '@banyan/persistence';
import { signingKeyPublished } from './messages';
import type { SigningKey } from './signing-keys';

const page = statement<SigningKey>(
  'users.signing-keys-to-announce',
  `SELECT kid, public_key AS "publicKey", not_before AS "notBefore", expires_at AS "expiresAt" FROM signing_key
   WHERE expires_at > now() AND ($1::text IS NULL OR kid > $1) ORDER BY kid LIMIT $2 FOR SHARE`,
);

/** Publishes again every key that a token in use may be signed with. */
export const announceSigningKeys: Announcer = {
  of: 'signing-keys',
  page: async (tx, after, limit) =>
    (await tx.query(page, [after, limit])).map(({ kid, publicKey, notBefore, expiresAt }) => ({
      cursor: kid,
      message: signingKeyPublished({
        kid,
        publicKey,
        notBefore: notBefore.toISOString(),
        expiresAt: expiresAt.toISOString(),
      }),
    })),
};
