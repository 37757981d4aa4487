/** What stands in a content for a field that no operator may see. */
export const MASK = '[secret]';

/** The content as an operator may see it: parsed where it is JSON, its secrets masked; else the text that came. */
export function masked(text: string, secrets: readonly string[]): unknown {
  const content = parsed(text);
  if (isObject(content)) return replaced(content, secrets, () => MASK);
  // What cannot be read may hold a secret anywhere.
  return secrets.length > 0 ? MASK : (content ?? text);
}

/** What an operator made of a masked content, with the secrets of the original back in their places. */
export function unmasked(
  edited: Readonly<Record<string, unknown>>,
  original: string,
  secrets: readonly string[],
): Record<string, unknown> {
  const before = parsed(original);
  return replaced(edited, secrets, (name) => {
    if (edited[name] !== MASK) return edited[name];
    return isObject(before) ? before[name] : undefined;
  });
}

function replaced(
  content: Readonly<Record<string, unknown>>,
  names: readonly string[],
  value: (name: string) => unknown,
): Record<string, unknown> {
  const present = names.filter((name) => Object.hasOwn(content, name));
  return { ...content, ...Object.fromEntries(present.map((name) => [name, value(name)])) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
