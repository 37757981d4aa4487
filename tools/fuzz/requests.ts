import fc from 'fast-check';
import type { Operation, Parameter } from './api';
import { damaged, defect, strangeTexts } from './defects';
import { jsonText, type Json } from './json-text';
import { wellFormed, wellFormedText, type Known } from './well-formed';

/** Who sends a request. `leaver` is a customer who may be erased by it. */
export type Sender = 'visitor' | 'customer' | 'stranger' | 'admin' | 'leaver';

export interface Request {
  readonly operation: Operation;
  readonly sender: Sender;
  readonly method: string;
  /** With its query, as it is sent. */
  readonly path: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer | undefined;
  /** Whether method and path are still the operation's, so that only what it declares may be answered. */
  readonly meant: boolean;
}

interface Draft {
  sender: Sender;
  method: string;
  path: Map<string, string>;
  /** Written into the path after its parameters are. */
  route: (path: string) => string;
  query: string[];
  headers: [string, string][];
  body: Json | undefined;
  text: (json: string) => Buffer | undefined;
  meant: boolean;
}

type Fault = (draft: Draft) => void;

/** Requests for an operation: some as it declares them, most with one fault or a few, now and then in an unusual wrapping. */
export function requestsFor(operation: Operation, known: Known): fc.Arbitrary<Request> {
  const named = (place: Parameter['in']) => operation.parameters.filter((parameter) => parameter.in === place);
  const textOf = (parameter: Parameter) => wellFormedText(parameter, nameIn(operation, parameter), known);
  const present = (parameters: Parameter[]) =>
    fc
      .tuple(
        ...parameters.map((parameter) =>
          fc.tuple(
            fc.constant(parameter.name),
            parameter.required ? textOf(parameter) : fc.option(textOf(parameter), { nil: undefined }),
          ),
        ),
      )
      .map((pairs) => pairs.filter((pair): pair is [string, string] => pair[1] !== undefined));

  const whole = fc.record({
    sender: senderOf(operation),
    path: present(named('path')),
    query: present(named('query')),
    headers: present(named('header').filter(({ name }) => name !== 'Idempotency-Key')),
    key: fc.uuid(),
    body: operation.body ? wellFormed(operation.body.schema, '', known) : fc.constant(undefined),
  });
  const faults = fc.oneof(
    { weight: 2, arbitrary: fc.constant<Fault[]>([]) },
    { weight: 7, arbitrary: fc.array(faultIn(operation), { minLength: 1, maxLength: 1 }) },
    { weight: 2, arbitrary: fc.array(faultIn(operation), { minLength: 2, maxLength: 3 }) },
  );
  return fc.tuple(whole, faults).map(([{ sender, path, query, headers, key, body }, found]) => {
    const draft: Draft = {
      sender,
      method: operation.method,
      path: new Map(path),
      route: (whole) => whole,
      query: query.map(([name, value]) => `${name}=${encoded(value)}`),
      headers: [
        ...headers,
        ...(named('header').some(({ name }) => name === 'Idempotency-Key')
          ? [['Idempotency-Key', key] as [string, string]]
          : []),
        ...(body === undefined ? [] : [['Content-Type', 'application/json'] as [string, string]]),
      ],
      body,
      text: (json) => Buffer.from(json),
      meant: true,
    };
    for (const fault of found) fault(draft);
    const text = draft.body === undefined ? undefined : jsonText(draft.body);
    const route = operation.path.replace(/\{(\w+)\}/g, (_, name: string) => encoded(draft.path.get(name) ?? ''));
    return {
      operation,
      sender: draft.sender,
      method: draft.method,
      path: draft.route(route) + (draft.query.length > 0 ? `?${draft.query.join('&')}` : ''),
      headers: draft.headers,
      body: text === undefined && !operation.body ? undefined : draft.text(text ?? ''),
      meant: draft.meant,
    };
  });
}

/** What a parameter is known by: the `{id}` in `/orders/{id}` by `orders`. */
function nameIn({ path }: Operation, { in: place, name }: Parameter): string {
  const before = place === 'path' ? new RegExp(`([^/]+)/\\{${name}\\}`).exec(path)?.[1] : undefined;
  return before ?? name;
}

/** Mostly those who get past the first checks. */
function senderOf({ audience, method, path }: Operation): fc.Arbitrary<Sender> {
  const admitted: Sender[] =
    audience === 'admin' ? ['admin'] : audience === 'customer' ? ['customer'] : ['customer', 'admin'];
  // Everybody else is still needed.
  const fit: Sender[] = method === 'DELETE' && path.endsWith('/users/me') ? ['leaver'] : admitted;
  const others: Sender[] = fit[0] === 'leaver' ? ['visitor'] : ['visitor', 'stranger', 'customer', 'admin'];
  return fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom(...fit) },
    { weight: 1, arbitrary: fc.constantFrom(...others) },
  );
}

/** As in a URL; halves of surrogate pairs in the only way that they can be written. */
function encoded(text: string): string {
  return Array.from(text, (letter) => (letter.isWellFormed() ? encodeURIComponent(letter) : '%ED%A0%80')).join('');
}

function faultIn(operation: Operation): fc.Arbitrary<Fault> {
  const named = (place: Parameter['in']) => operation.parameters.filter((parameter) => parameter.in === place);
  const kinds: { weight: number; arbitrary: fc.Arbitrary<Fault> }[] = [
    { weight: 2, arbitrary: inQuery(named('query').map(({ name }) => name)) },
    { weight: 2, arbitrary: inHeaders },
    { weight: 1, arbitrary: inRoute },
  ];
  if (operation.body) {
    kinds.push({ weight: 16, arbitrary: inBody }, { weight: 3, arbitrary: inText }, { weight: 2, arbitrary: inType });
  } else {
    kinds.push({ weight: 1, arbitrary: uninvitedBody });
  }
  const path = named('path').map(({ name }) => name);
  if (path.length > 0) kinds.push({ weight: 5, arbitrary: inPath(path) });
  return fc.oneof(...kinds);
}

const inBody: fc.Arbitrary<Fault> = defect.map((one) => (draft) => {
  if (draft.body !== undefined) draft.body = damaged(draft.body, one);
});

const uninvitedBody: fc.Arbitrary<Fault> = fc.jsonValue().map((value) => (draft) => {
  draft.body = value as Json;
  draft.headers.push(['Content-Type', 'application/json']);
});

const texts: readonly ((json: string) => Buffer | undefined)[] = [
  () => undefined,
  () => Buffer.alloc(0),
  (json) => Buffer.from(json.slice(0, -1)),
  (json) => Buffer.from(json.slice(0, json.length / 2)),
  (json) => Buffer.from(`${json}${json}`),
  (json) => Buffer.from(`${json},`),
  (json) => Buffer.from(`\ufeff${json}`),
  (json) => Buffer.from(`/* */${json}`),
  (json) => Buffer.from(json.replaceAll('"', "'")),
  (json) => Buffer.from(json.replace(/}$/, ',}')),
  (json) => Buffer.from(json, 'utf16le'),
  (json) => Buffer.concat([Buffer.from(json), Buffer.from([0])]),
  (json) => Buffer.concat([Buffer.from(json.slice(0, -1)), Buffer.from([0xff, 0xfe, 0xc0, 0x80])]),
  (json) =>
    Buffer.from(
      json.replace(/"([^"]*)"(?=[,}])/, (_, text: string) => `"${text}\xff"`),
      'latin1',
    ),
  (json) => Buffer.from(json.replace(/"([^"]*)"(?=[,}])/, (_, text: string) => `"${text}\n"`)),
  (json) => Buffer.from(json.replace(/\d+/, '0x10')),
  (json) => Buffer.from(json.replace(/\d+/, '01')),
  (json) => Buffer.from(json.replace(/\d+/, 'NaN')),
  (json) => Buffer.from(json.replace(/\d+/, 'Infinity')),
  (json) => Buffer.from(`${json}${' '.repeat(1 << 20)}`),
  () => Buffer.from('null'),
  () => Buffer.from('undefined'),
  () => Buffer.from('<xml/>'),
  () => Buffer.from('a=1&b=2'),
];
const inText: fc.Arbitrary<Fault> = fc.constantFrom(...texts).map((text) => (draft) => (draft.text = text));

const types = [
  'text/plain',
  'text/json',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/xml',
  'application/problem+json',
  'application/json; charset=utf-16',
  'application/json; charset=nonsense',
  'application/json;',
  'application/json, text/plain',
  'APPLICATION/JSON',
  'application/jsonx',
  'json',
  '*/*',
  ' ',
  '__proto__',
];
const inType: fc.Arbitrary<Fault> = fc.option(fc.constantFrom(...types), { nil: undefined }).map((type) => (draft) => {
  draft.headers = draft.headers.filter(([name]) => name !== 'Content-Type');
  if (type !== undefined) draft.headers.push(['Content-Type', type]);
});

const strangeValues = fc.oneof(
  fc.constantFrom(...strangeTexts).map(encoded),
  fc.string({ unit: 'binary', maxLength: 20 }).map(encoded),
  fc.constantFrom('%00', '%FF', '%ED%A0%80', '%C0%80', '%E2%82', '%zz', '%', '%25', '+', '%0d%0aX-Injected:%201'),
  fc.constantFrom(100, 300, 600, 8_000).map((length) => 'x'.repeat(length)),
  fc.jsonValue().map((value) => Buffer.from(JSON.stringify(value)).toString('base64url')),
  fc.constantFrom(
    '0',
    '-1',
    '1.5',
    '1e2',
    '0x10',
    '101',
    '9007199254740993',
    '1e400',
    'NaN',
    'Infinity',
    'true',
    'null',
  ),
);

function inQuery(names: readonly string[]): fc.Arbitrary<Fault> {
  const strangeNames = [
    'unknown',
    '__proto__',
    'constructor',
    'toString',
    '',
    '%00',
    '%zz',
    'id',
    'limit[]',
    'limit[a]',
  ];
  const anyName = fc.constantFrom(...names, ...names, ...names, ...strangeNames);
  return fc
    .tuple(anyName, strangeValues, fc.constantFrom('instead', 'besides', 'without', 'bare'))
    .map(([name, value, how]) => (draft) => {
      if (how !== 'besides') draft.query = draft.query.filter((pair) => !pair.startsWith(`${name}=`));
      if (how !== 'without') draft.query.push(how === 'bare' ? name : `${name}=${value}`);
    });
}

function inPath(names: readonly string[]): fc.Arbitrary<Fault> {
  const values = fc.oneof(
    strangeValues,
    fc.uuid({ version: 4 }),
    fc.uuid({ version: 7 }),
    fc.constantFrom('me', '.', '..', '%2e%2e', '%2F', 'a/b', '*', ':id', '%5c', ';a=b'),
  );
  return fc.tuple(fc.constantFrom(...names), values).map(([name, value]) => (draft) => {
    const before = draft.route;
    // Dots and slashes make it another path, and an empty one no parameter at all.
    draft.meant &&= /^[\w-]{3,}$/.test(value) && value !== 'me';
    const mark = `m-a-r-k-${name}`;
    draft.path.set(name, mark);
    draft.route = (path) => before(path).replace(mark, () => value);
  });
}

const inRoute: fc.Arbitrary<Fault> = fc
  .oneof(
    fc.constantFrom<((draft: Draft) => void)[]>(
      ...['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'SEARCH'].map(
        (method) => (draft: Draft) => void (draft.method = method),
      ),
    ),
    fc
      .constantFrom<((path: string) => string)[]>(
        (path) => `${path}/`,
        (path) => `/${path}`,
        (path) => path.replace('/v1/', '/v1//'),
        (path) => path.replace('/v1/', '/v1/./'),
        (path) => path.replace('/v1/', '/v1/../v1/'),
        (path) => path.replace('/v1/', '/V1/'),
        (path) => path.replace('/v1/', '/v1%2f'),
        (path) => path.replace('/v1/', '/v2/'),
        (path) => `${path}%00`,
        (path) => `${path}.json`,
        (path) => `${path};x=1`,
        (path) => `${path}/${'x'.repeat(5_000)}`,
        () => '/api/v1/nowhere',
        () => '/',
      )
      .map((route) => (draft: Draft) => {
        const before = draft.route;
        draft.route = (path) => route(before(path));
      }),
  )
  .map((fault) => (draft) => {
    // Not for one who may be erased by the way: all others are still needed.
    if (draft.sender !== 'leaver' && draft.method !== 'DELETE') fault(draft);
    if (draft.method === 'DELETE') draft.sender = 'leaver';
    draft.meant = false;
  });

const inHeaders: fc.Arbitrary<Fault> = fc
  .oneof(
    fc.tuple(
      fc.constant('Idempotency-Key'),
      fc.constantFrom(
        '',
        ' ',
        'x'.repeat(255),
        'x'.repeat(256),
        'x'.repeat(9_000),
        'schlüssel',
        '\xff\xfe',
        `'--`,
        '__proto__',
      ),
    ),
    fc.tuple(
      fc.constant('X-Correlation-ID'),
      fc.constantFrom('', 'x'.repeat(300), 'x'.repeat(9_000), 'ä\xff', '<script>', '{}'),
    ),
    fc.tuple(
      fc.constant('traceparent'),
      fc.constantFrom('', '00-0-0-0', `00-${'0'.repeat(32)}-${'0'.repeat(16)}-00`, 'ff-x'),
    ),
    fc.tuple(fc.constant('tracestate'), fc.constantFrom('=', 'a=b'.repeat(1_000), 'ä')),
    fc.tuple(fc.constant('If-None-Match'), fc.constantFrom('*', '"', ',,,', 'W/', '"x",'.repeat(2_000), '\xff')),
    fc.tuple(fc.constant('Accept'), fc.constantFrom('text/html', 'image/*', '', '*/*;q=0', 'x'.repeat(5_000))),
    fc.tuple(fc.constant('Content-Encoding'), fc.constantFrom('gzip', 'identity', 'br', 'nonsense')),
    fc.tuple(
      fc.constant('Authorization'),
      fc.constantFrom(
        '',
        'Bearer',
        'Bearer ',
        'Basic YTpi',
        'Bearer a.b.c',
        'Bearer x y',
        `Bearer ${'x'.repeat(9_000)}`,
        'bearer null',
        '\xff',
      ),
    ),
    fc.tuple(fc.constant('X-HTTP-Method-Override'), fc.constantFrom('DELETE', 'PUT')),
    fc.tuple(fc.constant('X-Forwarded-For'), fc.constantFrom('127.0.0.1', `'; --`)),
    fc.tuple(fc.constant('Range'), fc.constantFrom('bytes=0-1', 'x')),
    fc.tuple(fc.constant('Cookie'), fc.constantFrom('accessToken=x', ';;;')),
    fc.tuple(
      fc.constantFrom('__proto__', 'constructor', 'X-Long'),
      fc.constantFrom('1', 'x'.repeat(12_000), 'x'.repeat(40_000)),
    ),
  )
  .map(([name, value]) => (draft) => {
    draft.headers = draft.headers.filter(([other]) => other !== name);
    if (!(name === 'Idempotency-Key' && value === '')) draft.headers.push([name, value]);
    if (value.length >= 12_000) draft.meant = false;
  });
