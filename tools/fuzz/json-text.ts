/** Text that stands in a body as it is, so that a body can hold what no value can: names twice, 1e999, half a string. */
export class Verbatim {
  constructor(readonly text: string) {}
}

/** What can stand in the place of a value. */
export type Json = Verbatim | string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

/** The value as JSON, or nearly. */
export function jsonText(value: Json): string {
  if (value instanceof Verbatim) return value.text;
  if (Array.isArray(value)) return `[${value.map(jsonText).join(',')}]`;
  if (value !== null && typeof value === 'object') return objectText(members(value as Record<string, Json>));
  return JSON.stringify(value);
}

/** The members of an object as JSON, to which others may be added. */
export function members(object: Readonly<Record<string, Json>>): string[] {
  return Object.entries(object).map(([name, value]) => `${JSON.stringify(name)}:${jsonText(value)}`);
}

export function objectText(members: readonly string[]): string {
  return `{${members.join(',')}}`;
}
