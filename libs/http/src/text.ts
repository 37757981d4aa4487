import { validationFailed, type FieldError } from '@banyan/problem';

/**
 * Refuses text that PostgreSQL cannot keep: NUL, and halves of surrogate pairs. Walks without recursion, since a
 * body may be nested deeper than the stack.
 */
export function refuseUnstorableText(value: unknown): void {
  const errors: FieldError[] = [];
  const left: { path: string; value: unknown }[] = [{ path: '', value }];
  for (let next = left.pop(); next; next = left.pop()) {
    const { path, value: found } = next;
    if (typeof found === 'string') {
      if (!isStorable(found)) errors.push({ path, message: 'Text must not contain NUL or lone surrogates.' });
    } else if (found !== null && typeof found === 'object') {
      for (const [key, child] of Object.entries(found)) {
        if (!isStorable(key)) errors.push({ path, message: 'Names must not contain NUL or lone surrogates.' });
        else left.push({ path: path === '' ? key : `${path}.${key}`, value: child });
      }
    }
  }
  if (errors.length > 0) throw validationFailed(errors.slice(0, 100));
}

function isStorable(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed();
}

// JSON has no way to write either but as an escape, so a body without these needs no walk.
const SUSPICIOUS = /\\u(?:0000|[dD][89a-fA-F])/;

/** Gives back the parsed body. Throws the 400 for text in it that cannot be kept. */
export function storableBody(json: string, body: unknown): unknown {
  if (SUSPICIOUS.test(json)) refuseUnstorableText(body);
  return body;
}
