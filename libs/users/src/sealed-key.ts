import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

const ALGORITHM = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
// Said outright, since a shorter tag, which is easier to forge, would be taken otherwise.
const OPTIONS = { authTagLength: TAG_BYTES };

/** Encrypts a private key for the database: nonce, tag, content. It opens under the same secret and kid only. */
export function seal(privateKey: string, kid: string, secret: string): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(ALGORITHM, keyFrom(secret), nonce, OPTIONS).setAAD(Buffer.from(kid));
  const content = Buffer.concat([cipher.update(privateKey, 'utf8'), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), content]);
}

/** Undoes `seal`. Throws under another secret or kid. */
export function unseal(sealed: Buffer, kid: string, secret: string): string {
  const content = NONCE_BYTES + TAG_BYTES;
  const decipher = createDecipheriv(ALGORITHM, keyFrom(secret), sealed.subarray(0, NONCE_BYTES), OPTIONS)
    .setAAD(Buffer.from(kid))
    .setAuthTag(sealed.subarray(NONCE_BYTES, content));
  return decipher.update(sealed.subarray(content), undefined, 'utf8') + decipher.final('utf8');
}

function keyFrom(secret: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, 'banyan', 'signing-key', 32));
}
