import fc from 'fast-check';
import type { Parameter, Schema } from './api';
import type { Json } from './json-text';

/** What the shop has, by the name of the field or parameter that takes it. */
export type Known = ReadonlyMap<string, readonly Json[]>;

const MOST_ITEMS = 4;
const LONGEST_TEXT = 40;

/** Values as a schema wants them: often such as the shop knows, so that they get past the first check. */
export function wellFormed(schema: Schema, name: string, known: Known): fc.Arbitrary<Json> {
  const values = known.get(name);
  const fitting = asDeclared(schema, name, known);
  return values?.length
    ? fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...values) }, { weight: 1, arbitrary: fitting })
    : fitting;
}

/** Values of a parameter that its schema wants, as text. */
export function wellFormedText({ schema }: Parameter, name: string, known: Known): fc.Arbitrary<string> {
  return wellFormed(schema, name, known).map((value) => (typeof value === 'string' ? value : JSON.stringify(value)));
}

function asDeclared(schema: Schema, name: string, known: Known): fc.Arbitrary<Json> {
  if (schema.const !== undefined) return fc.constant(schema.const as Json);
  if (schema.enum) return fc.constantFrom(...(schema.enum as Json[]));
  switch (schema.type) {
    case 'object': {
      const fields = Object.entries(schema.properties ?? {}).map(
        ([field, its]) => [field, wellFormed(its, field, known)] as const,
      );
      return fc.record(Object.fromEntries(fields), { requiredKeys: schema.required ?? [], noNullPrototype: true });
    }
    case 'array':
      return fc.array(wellFormed(schema.items ?? {}, name, known), {
        minLength: schema.minItems ?? 0,
        maxLength: Math.max(schema.minItems ?? 0, Math.min(schema.maxItems ?? MOST_ITEMS, MOST_ITEMS)),
      });
    case 'integer':
    case 'number':
      return numbersOf(schema);
    case 'boolean':
      return fc.boolean();
    case 'string':
      if (schema.format === 'uuid') return fc.uuid({ version: 7 });
      return fc.string({
        minLength: schema.minLength ?? 0,
        maxLength: Math.max(schema.minLength ?? 0, Math.min(schema.maxLength ?? LONGEST_TEXT, LONGEST_TEXT)),
      });
    default:
      return fc.constantFrom('text', 1, true, null);
  }
}

function numbersOf({
  minimum = Number.MIN_SAFE_INTEGER,
  maximum = Number.MAX_SAFE_INTEGER,
}: Schema): fc.Arbitrary<number> {
  const whole = (min: number, max: number) => fc.bigInt({ min: BigInt(min), max: BigInt(max) }).map(Number);
  const small = whole(Math.min(Math.max(minimum, -100), maximum), Math.max(Math.min(maximum, 1_000), minimum));
  return fc.oneof(small, whole(minimum, maximum));
}
