import { createHash } from 'node:crypto';

/** The strong validator of an answer: the same for the same content, and for no other. */
export function etagOf(content: object): string {
  return `"${createHash('sha256').update(JSON.stringify(content)).digest('base64url')}"`;
}

/** Whether an If-None-Match header names the validator (RFC 9110: a list, in which weak ones count too, or `*`). */
export function isKnown(etag: string, ifNoneMatch: string | undefined): boolean {
  if (ifNoneMatch === undefined) return false;
  return ifNoneMatch.split(',').some((one) => ['*', etag, `W/${etag}`].includes(one.trim()));
}
