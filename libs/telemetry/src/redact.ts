const REDACTED = '[redacted]';

// By name, wherever in the line the property stands. Escaped quotes do not end a value.
const SECRET_PROPERTIES =
  /"((?:[A-Za-z_-]*(?:password|token|secret|authorization|cookie))|e-?mail|idempotency-?key)":"(?:[^"\\]|\\.)*"/gi;

// By shape, for what stands inside a text: a driver's error detail, a URL, a message.
const CREDENTIALS_IN_URL = /:\/\/[^\s/:@"]{0,128}:[^\s/@"]{0,256}@/g;
const BEARER = /\b(Bearer|Basic) [\w.~+/=-]{8,}/gi;
const JSON_WEB_TOKEN = /\beyJ[\w-]+\.[\w-]+\.[\w-]*/g;
const CARD_OR_REFRESH_TOKEN = /\b(?:tok|brt)_\w+/g;
// Lengths are bounded so that a long text without an @ costs linear time.
const EMAIL = /[^\s"'<>()[\],;:\\/=@]{1,64}@[^\s"'<>()[\],;:\\/=@]{1,190}\.\p{L}{2,24}/gu;

/** Takes every password, token, card token and e-mail address out of a serialised log line. */
export function redact(line: string): string {
  const redacted = line
    .replace(SECRET_PROPERTIES, `"$1":"${REDACTED}"`)
    .replace(BEARER, `$1 ${REDACTED}`)
    .replace(JSON_WEB_TOKEN, REDACTED)
    .replace(CARD_OR_REFRESH_TOKEN, REDACTED);
  // The other two look at every word of the line, and most lines have no @.
  if (!redacted.includes('@')) return redacted;
  return redacted.replace(CREDENTIALS_IN_URL, `://${REDACTED}@`).replace(EMAIL, REDACTED);
}
