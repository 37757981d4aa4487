import { createHash } from 'node:crypto';

/**
 * What identifies a request, whatever the order of its properties: a SHA-256 over canonical JSON.
 * Takes validated values only, since it recurses as deep as they do.
 */
export function fingerprintOf(...parts: readonly unknown[]): string {
  return createHash('sha256').update(canonical(parts)).digest('base64url');
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value !== null && typeof value === 'object') {
    const properties = Object.entries(value)
      .filter(([, property]) => property !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, property]) => `${JSON.stringify(name)}:${canonical(property)}`);
    return `{${properties.join(',')}}`;
  }
  return JSON.stringify(value) ?? 'null';
}
