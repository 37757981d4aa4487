/*
 * Terminology
 *   normal form   a text that is the same for two records which differ only in what no two runs have in common: ids, times,
 *                 and words that somebody made up
 */

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi;
const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)/g;
const TOKEN = /eyJ[\w-]+\.[\w-]+\.[\w-]+|\bbrt_[\w-]+/g;
const PASSWORD_HASH = /\$argon2\S+/g;
const HEXADECIMAL = /\b[a-z]?[0-9a-f]{8,}\b/gi;
// Letters of both cases in one word, with digits or very long: nobody's name.
const OPAQUE = /(?<![\w-])(?=[\w-]*[A-Z])(?=[\w-]*[a-z])((?=[\w-]*\d)[\w-]{20,}|[\w-]{32,})(?![\w-])/g;
const CURSOR = /(?<=[?&]cursor=)[^&\s]+/g;

/** Numbers the ids of one record as they appear in it, so that what is the same in it stays the same. */
export function normalForm(record: unknown): string {
  const ids = new Map<string, string>();
  const numbered = (id: string) => {
    const known = ids.get(id.toLowerCase());
    if (known) return known;
    const name = `#${ids.size + 1}`;
    ids.set(id.toLowerCase(), name);
    return name;
  };
  const text = (value: string) =>
    value
      .replace(UUID, numbered)
      .replace(TIME, '<time>')
      .replace(TOKEN, '<token>')
      .replace(PASSWORD_HASH, '<hash>')
      .replace(CURSOR, '<cursor>')
      .replace(OPAQUE, '<opaque>')
      .replace(HEXADECIMAL, '<word>');
  const normal = (value: unknown): unknown => {
    if (typeof value === 'string') return text(value);
    if (Array.isArray(value)) return value.map(normal);
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
    return Object.fromEntries(entries.map(([name, inner]) => [name, normal(inner)]));
  };
  return typeof record === 'string' ? text(record) : JSON.stringify(normal(record));
}

/** Every id in the record, in the order of their appearance. */
export function idsIn(record: unknown): string[] {
  const found = JSON.stringify(record)?.match(UUID) ?? [];
  return [...new Set(found.map((id) => id.toLowerCase()))];
}
