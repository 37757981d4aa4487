import fc from 'fast-check';
import { jsonText, members, objectText, Verbatim, type Json } from './json-text';

/** Something wrong with a body, done to one of its places. */
export interface Defect {
  /** Which place: counted through the body, modulo how many there are; 0 is the body itself. */
  readonly place: number;
  readonly change: (value: Json) => Json | typeof ABSENT;
}

const ABSENT = Symbol('absent');
const MIB = 1 << 20;

const quoted = (text: string) => new Verbatim(JSON.stringify(text));

/** Text that somebody somewhere did not expect. */
export const strangeTexts: readonly string[] = [
  '',
  ' ',
  '\0',
  'a\0b',
  '\ud800',
  'x\udc00y',
  '\u202egnp.exe',
  'مرحبا بالعالم',
  '👩‍👩‍👧‍👦🏴‍☠️',
  `e${'\u0301'.repeat(1_000)}`,
  '\ufeffbom',
  '\u2028\u2029',
  '\u200b',
  'İıſK',
  'ﷺ',
  '\u{10ffff}',
  '\r\nX-Injected: 1',
  `'; DROP TABLE account; --`,
  '" OR 1=1 --',
  '\\',
  '%_%',
  '$1',
  '{{7*7}}${7*7}',
  '<script>alert(1)</script>',
  '../../../../etc/passwd',
  '__proto__',
  'constructor',
  'null',
  'NaN',
  '-1',
  '1e3',
  '00000000-0000-0000-0000-000000000000',
  'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF',
  'urn:uuid:01997c3e-5c1f-7b52-9e0b-3d2a86a1f0c4',
  '{01997c3e-5c1f-7b52-9e0b-3d2a86a1f0c4}',
];

const wrongTypes: readonly Json[] = [null, true, false, 0, 1, -1, 1.5, '', 'text', [], {}, [[]], [null], { a: 1 }];
const emptyOnes: readonly Json[] = ['', [], {}, null];
const numbers: readonly Json[] = [
  ...[2 ** 31, 2 ** 53, -(2 ** 53), 2 ** 63, 2 ** 64, 1e21, 1e308, -1e308, 5e-324, 0.1 + 0.2],
  ...['1e999', '-1e999', '-0', '1E2', '100.0', `1${'0'.repeat(400)}`, `0.${'3'.repeat(400)}`, '1e-999'].map(
    (text) => new Verbatim(text),
  ),
];

const strangeText = fc.oneof(
  fc.constantFrom(...strangeTexts),
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 10 }).map((units) => String.fromCharCode(...units)),
);

const longText = fc
  .tuple(fc.constantFrom('x', ' ', '\u0001', 'ä', '👍', '9'), fc.constantFrom(65, 201, 256, 501, 600, 5_000, 100_000))
  .map(([letter, length]) => quoted(letter.repeat(length)));

// A megabyte each: rare, or nothing else would happen.
const tooMuch = fc.constantFrom(
  () => quoted('x'.repeat(MIB - 500)),
  () => quoted('x'.repeat(MIB + 500)),
  () => new Verbatim(`[${'0,'.repeat(MIB / 2 - 500)}0]`),
  () => new Verbatim(`[${'{},'.repeat(MIB / 3 - 500)}{}]`),
  () => new Verbatim('['.repeat(100_000) + ']'.repeat(100_000)),
  () => new Verbatim('{"a":'.repeat(100_000) + '1' + '}'.repeat(100_000)),
  () => new Verbatim(`{${Array.from({ length: 50_000 }, (_, n) => `"f${n}":${n}`).join(',')}}`),
);

const nested = fc
  .tuple(
    fc.constantFrom<[string, string]>(['[', ']'], ['{"a":', '}'], ['[{"items":', '}]']),
    fc.integer({ min: 1, max: 2_000 }),
  )
  .map(([[open, close], depth]) => new Verbatim(`${open.repeat(depth)}1${close.repeat(depth)}`));

const additions: readonly string[] = [
  '"unknown":1',
  '"__proto__":{"roles":["admin"]}',
  '"constructor":{"prototype":{"roles":["admin"]}}',
  '"toString":"x"',
  '"hasOwnProperty":null',
  '"":""',
  '"\\u0000":1',
  '"\\ud800":1',
  '"id":"01997c3e-5c1f-7b52-9e0b-3d2a86a1f0c4"',
  '"roles":["admin"]',
];

function addTo(value: Json, addition: string): Json {
  if (!isObject(value)) return new Verbatim(objectText([addition]));
  return new Verbatim(objectText([...members(value), addition]));
}

function twice(value: Json, other: Json): Json {
  const [name] = isObject(value) ? Object.keys(value) : [];
  return name === undefined ? addTo(value, '"a":1,"a":2') : addTo(value, `${JSON.stringify(name)}:${jsonText(other)}`);
}

function many(value: Json, times: number): Json {
  const one = jsonText(Array.isArray(value) ? (value[0] ?? null) : value);
  // No more than a body may have, twice.
  const number = Math.min(times, Math.ceil((2 * MIB) / one.length));
  return new Verbatim(`[${Array<string>(number).fill(one).join(',')}]`);
}

const constant = (values: readonly Json[]) => fc.constantFrom(...values).map((value) => () => value);

const change: fc.Arbitrary<Defect['change']> = fc.oneof(
  { weight: 6, arbitrary: fc.constant(() => ABSENT) },
  { weight: 6, arbitrary: constant(wrongTypes) },
  { weight: 3, arbitrary: constant(emptyOnes) },
  { weight: 5, arbitrary: constant(numbers) },
  { weight: 3, arbitrary: fc.constant((value: Json) => (typeof value === 'number' ? -value : -1)) },
  { weight: 6, arbitrary: strangeText.map((text) => () => text) },
  { weight: 3, arbitrary: longText.map((text) => () => text) },
  { weight: 3, arbitrary: nested.map((value) => () => value) },
  { weight: 4, arbitrary: fc.constantFrom(...additions).map((addition) => (value: Json) => addTo(value, addition)) },
  { weight: 3, arbitrary: fc.constantFrom(...wrongTypes).map((other) => (value: Json) => twice(value, other)) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(0, 2, 101, 2_000, 2_001, 20_000).map((times) => (value: Json) => many(value, times)),
  },
  { weight: 3, arbitrary: fc.jsonValue().map((value) => () => value as Json) },
  { weight: 1, arbitrary: tooMuch.map((value) => () => value()) },
);

/** Something wrong with some place of a body. */
export const defect: fc.Arbitrary<Defect> = fc.record({ place: fc.nat({ max: 100 }), change });

/** The body with the defect in it; undefined where it is the body itself that is absent. */
export function damaged(body: Json, { place, change }: Defect): Json | undefined {
  const result = changed(body, place % placesIn(body), change);
  return result === ABSENT ? undefined : result;
}

function isObject(value: Json): value is Readonly<Record<string, Json>> {
  return value !== null && typeof value === 'object' && !Array.isArray(value) && !(value instanceof Verbatim);
}

function childrenOf(value: Json): readonly (readonly [string, Json])[] {
  return Array.isArray(value) || isObject(value) ? Object.entries(value as Record<string, Json>) : [];
}

function placesIn(value: Json): number {
  return childrenOf(value).reduce((places, [, child]) => places + placesIn(child), 1);
}

function changed(value: Json, place: number, change: Defect['change']): Json | typeof ABSENT {
  if (place === 0) return change(value);
  let before = 1;
  const entries = childrenOf(value).flatMap(([name, child]): (readonly [string, Json])[] => {
    const at = place - before;
    const places = placesIn(child);
    before += places;
    if (at < 0 || at >= places) return [[name, child]];
    const other = changed(child, at, change);
    return other === ABSENT ? [] : [[name, other]];
  });
  return Array.isArray(value) ? entries.map(([, child]) => child) : Object.fromEntries(entries);
}
