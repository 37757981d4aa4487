import { createHmac, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { base64url, part, type Draft, type Forger, type Members } from './forger';

/** Something that makes a token bad, and the same token without it. */
export interface BadToken {
  readonly flaw: string;
  /** The same construction, as it should be; it must open the door. */
  readonly twin: () => string;
  readonly make: () => string;
}

const MINUTE = 60;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** Every bad token that we could think of. */
export function badTokens(forger: Forger, shopsKey: KeyObject): BadToken[] {
  const flawless = () => forger.signed(forger.flawless());
  const now = () => Math.floor(Date.now() / 1000);

  /** Tokens signed as they should be, whose claims (or header) say something that they should not. */
  const said = (
    place: keyof Draft,
    flaw: string,
    wrong: () => Members,
    right: () => Members = () => ({}),
  ): BadToken => {
    const make = (members: Members) => {
      const draft = forger.flawless();
      return forger.signed({ ...draft, [place]: { ...draft[place], ...members } });
    };
    return { flaw, twin: () => make(right()), make: () => make(wrong()) };
  };
  const claimed = (flaw: string, wrong: () => Members, right?: () => Members) => said('claims', flaw, wrong, right);
  const headed = (flaw: string, wrong: () => Members, right?: () => Members) => said('header', flaw, wrong, right);

  /** Tokens changed after they were signed. */
  const spoilt = (flaw: string, spoil: (token: string) => string): BadToken => {
    return { flaw, twin: flawless, make: () => spoil(flawless()) };
  };

  /** Tokens under another algorithm, as whoever has only public things could make them. */
  const under = (alg: unknown, flaw: string, signature: (input: string) => string): BadToken => ({
    flaw,
    twin: flawless,
    make: () => {
      const { header, claims } = forger.flawless();
      const input = `${part({ ...header, alg })}.${part(claims)}`;
      return `${input}.${signature(input)}`;
    },
  });

  const another = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const ed25519 = generateKeyPairSync('ed25519');
  const ecSigned =
    (key: KeyObject, hash = 'sha256') =>
    (input: string) =>
      base64url(sign(hash, Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }));

  const secrets: [string, string | Buffer][] = [forger.publicKey, shopsKey].flatMap((key, number) => {
    const whose = number === 0 ? 'the public key' : 'the public key of the shop’s own';
    const pem = key.export({ type: 'spki', format: 'pem' }).toString();
    return [
      [`${whose} as PEM`, pem],
      [`${whose} as PEM without its last line break`, pem.trim()],
      [`${whose} as DER`, key.export({ type: 'spki', format: 'der' })],
      [`${whose} as JWK`, JSON.stringify(key.export({ format: 'jwk' }))],
      [`${whose}, its x`, Buffer.from(key.export({ format: 'jwk' }).x!, 'base64url')],
    ] as [string, string | Buffer][];
  });

  const unsigned = ['none', 'None', 'NONE', 'nOnE', 'NoNe', 'nonE', ' none', 'none ', 'none\0', 'ｎｏｎｅ', '', 'null'];
  const unknownAlgorithms = [
    'es256',
    'ES256 ',
    'Es256',
    'ES256K',
    'ES-256',
    'HS1',
    'dir',
    'RSA1_5',
    'EdDSA',
    'ML-DSA-44',
    'SHA256',
  ];
  const noAlgorithms: unknown[] = [undefined, null, 0, true, [], ['ES256'], {}, { toString: 'ES256' }];
  const kids: [string, unknown][] = [
    ['unknown', '01997c3e-5c1f-7b52-9e0b-3d2a86a1f0c4'],
    ['absent', undefined],
    ['null', null],
    ['empty', ''],
    ['a number', 1],
    ['true', true],
    ['a list with the right one', [forger.kid]],
    ['an object', { kid: forger.kid }],
    ['a path', '../../../../dev/null'],
    ['a path in the root', '/proc/self/environ'],
    ['a path with a NUL', `${forger.kid}\0.pem`],
    ['a URL', 'https://attacker.example/keys.json'],
    ['a file URL', 'file:///etc/passwd'],
    ['SQL that finds another', `' UNION SELECT '{"kty":"EC"}' --`],
    ['SQL that finds any', `' OR '1'='1`],
    ['SQL that drops', `'; DROP TABLE verification_key; --`],
    ['a command', `| cat /etc/passwd`],
    ['a command in quotes', '$(id)'],
    ['a template', '{{7*7}}'],
    ['an LDAP filter', '*)(uid=*'],
    ['__proto__', '__proto__'],
    ['constructor', 'constructor'],
    ['toString', 'toString'],
    ['very long', 'k'.repeat(5_000)],
    ['the right one in capitals', forger.kid.toUpperCase()],
    ['the right one with a space', `${forger.kid} `],
    ['the right one with a wildcard', `${forger.kid.slice(0, -1)}%`],
    ['the right one twice', `${forger.kid},${forger.kid}`],
    ['half a surrogate pair', '\ud800'],
  ];
  const jwk = { ...p256Of(another), kid: forger.kid };
  const injections: [string, Members][] = [
    ['a key of its own in jwk', { jwk }],
    ['a key of its own in jwk, and no kid', { jwk, kid: undefined }],
    ['a key of its own in jwk, and its kid', { jwk: { ...jwk, kid: 'mine' }, kid: 'mine' }],
    ['its key set in jku', { jku: 'https://attacker.example/jwks.json' }],
    ['its key set in jku, here', { jku: 'http://127.0.0.1:1/jwks.json', kid: 'mine' }],
    ['its certificate in x5u', { x5u: 'https://attacker.example/cert.pem' }],
    ['its certificate in x5c', { x5c: ['MIIB'], kid: undefined }],
    ['a certificate’s hash in x5t', { x5t: 'AAAA' }],
    ['an embedded key set', { keys: [jwk] }],
    ['a secret in k', { k: 'AAAA', kty: 'oct' }],
  ];
  const crits: unknown[] = [['exp'], ['b64'], ['unheard-of'], ['alg'], [], '', 'exp', null, [1], ['b64', 'b64']];
  const times: [string, (at: number) => Members][] = [
    ['expired a minute ago', (at) => ({ iat: at - 5 * MINUTE, exp: at - MINUTE })],
    ['expired an hour ago', (at) => ({ iat: at - 70 * MINUTE, exp: at - 60 * MINUTE })],
    ['expired in 1970', () => ({ iat: 0, exp: 1 })],
    ['expiring before it was issued', (at) => ({ iat: at, exp: at - 6 * MINUTE })],
    ['issued eleven minutes ago and still good', (at) => ({ iat: at - 11 * MINUTE, exp: at + MINUTE })],
    ['good for eleven minutes', (at) => ({ exp: at + 11 * MINUTE })],
    ['good for an hour', (at) => ({ exp: at + 60 * MINUTE })],
    ['good for ever', () => ({ exp: Number.MAX_SAFE_INTEGER })],
    ['good beyond all numbers', () => ({ exp: 1e300 })],
    ['not yet valid', (at) => ({ nbf: at + 5 * MINUTE })],
    ['issued in the future', (at) => ({ iat: at + 5 * MINUTE, exp: at + 10 * MINUTE })],
    ['with its times in milliseconds', (at) => ({ iat: at * 1000, exp: (at + 600) * 1000 })],
    ['of negative times', () => ({ iat: -600, exp: -1 })],
  ];
  const noTimes: unknown[] = ['1', '9999999999', '', 'never', null, true, [], {}, [9999999999], '2999-01-01T00:00:00Z'];
  const audiences: unknown[] = ['somebody-else', '', null, 1, true, [], ['somebody-else'], {}, [['banyan']], '*'];
  const issuers: unknown[] = ['https://attacker.example', '', null, 1, true, [], {}, '*'];
  const subjects: unknown[] = [
    ...[null, 0, 1, true, [], {}, '', ' ', 'me', 'admin', '*', '1', 'jane@shop.example', `' OR '1'='1`, '../users'],
    ...[
      '00000000',
      '01997c3e5c1f7b529e0b3d2a86a1f0c4',
      `${forger.sub} `,
      `{${forger.sub}}`,
      [forger.sub],
      `urn:uuid:${forger.sub}`,
    ],
  ];
  const roles: unknown[] = [
    null,
    'admin',
    'admin customer',
    '',
    1,
    true,
    {},
    { admin: true },
    [1],
    [null],
    [['admin']],
    [{ role: 'admin' }],
  ];

  return [
    ...unsigned.map((alg) => under(alg, `alg ${JSON.stringify(alg)} and no signature`, () => '')),
    ...unsigned.map((alg) =>
      under(alg, `alg ${JSON.stringify(alg)} over a good signature`, ecSigned(forger.privateKey)),
    ),
    ...noAlgorithms.map((alg) => under(alg, `alg ${JSON.stringify(alg)}`, ecSigned(forger.privateKey))),
    ...unknownAlgorithms.map((alg) => under(alg, `alg ${alg}`, ecSigned(forger.privateKey))),
    ...secrets.flatMap(([name, secret]) =>
      [256, 384, 512].map((bits) =>
        under(`HS${bits}`, `HS${bits} with ${name} as its secret`, (input) =>
          createHmac(`sha${bits}`, secret).update(input).digest('base64url'),
        ),
      ),
    ),
    ...['', 'secret', 'banyan', '\0'].map((secret) =>
      under('HS256', `HS256 with ${JSON.stringify(secret)} as its secret`, (input) =>
        createHmac('sha256', secret).update(input).digest('base64url'),
      ),
    ),
    under('ES384', 'ES384 with a key of its own', ecSigned(p384.privateKey, 'sha384')),
    under('ES256', 'ES256 with a key on another curve', ecSigned(p384.privateKey)),
    under('ES256', 'another key under the same kid', ecSigned(another)),
    under('ES256', 'a signature over SHA-384', ecSigned(forger.privateKey, 'sha384')),
    under('RS256', 'RS256 with a key of its own', (input) =>
      base64url(sign('sha256', Buffer.from(input), rsa.privateKey)),
    ),
    under('EdDSA', 'EdDSA with a key of its own', (input) =>
      base64url(sign(null, Buffer.from(input), ed25519.privateKey)),
    ),
    under('Ed25519', 'Ed25519 with a key of its own', (input) =>
      base64url(sign(null, Buffer.from(input), ed25519.privateKey)),
    ),
    under('ES256', 'a signature in DER', (input) => base64url(sign('sha256', Buffer.from(input), forger.privateKey))),
    under('ES256', 'a signature of zeros', () => 'A'.repeat(86)),
    under('ES256', 'r and s that are the order of the curve', () =>
      base64url(Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551'.repeat(2), 'hex')),
    ),
    under('ES256', 'a signature over something else', () => ecSigned(forger.privateKey)('something.else')),

    ...kids.map(([name, kid]) => headed(`kid ${name}`, () => ({ kid }))),
    ...injections.map(([name, members]): BadToken => {
      const make = (added: Members, key: KeyObject) => {
        const { header, claims } = forger.flawless();
        return forger.signed({ header: { ...header, ...added }, claims }, key);
      };
      return {
        flaw: `header with ${name}`,
        twin: () => make({}, forger.privateKey),
        make: () => make(members, another),
      };
    }),
    ...crits.map((crit) => headed(`crit ${JSON.stringify(crit)}`, () => ({ crit }))),
    headed('crit that names what is there', () => ({ crit: ['jku'], jku: 'https://attacker.example' })),
    headed('an unencoded payload, announced', () => ({ b64: false, crit: ['b64'] })),
    headed('zip', () => ({ zip: 'DEF', crit: ['zip'] })),
    ...['at+jwt', 'JWS', 'JOSE', 'dpop+jwt', 'logout+jwt', 'secevent+jwt', '', 1, null].map((typ) =>
      headed(`typ ${JSON.stringify(typ)}`, () => ({ typ })),
    ),
    headed('an encrypted token’s header', () => ({ alg: 'ECDH-ES', enc: 'A256GCM' })),

    ...times.map(([name, members]) =>
      claimed(
        name,
        () => members(now()),
        () => ({ exp: now() + 5 * MINUTE }),
      ),
    ),
    ...['exp', 'iat'].flatMap((name) =>
      [undefined, ...noTimes].map((value) =>
        claimed(`${name} ${value === undefined ? 'absent' : JSON.stringify(value)}`, () => ({ [name]: value })),
      ),
    ),
    ...noTimes.map((nbf) =>
      claimed(
        `nbf ${JSON.stringify(nbf)}`,
        () => ({ nbf }),
        () => ({ nbf: now() - MINUTE }),
      ),
    ),
    ...[0.5, -0.5].map((by) => claimed(`exp a fraction (${by})`, () => ({ exp: now() + MINUTE + by }))),
    ...[undefined, ...audiences].map((aud) => claimed(`aud ${JSON.stringify(aud)}`, () => ({ aud }))),
    ...[undefined, ...issuers].map((iss) => claimed(`iss ${JSON.stringify(iss)}`, () => ({ iss }))),
    claimed('iss in a list', () => ({ iss: [forger.flawless().claims['iss']] })),
    claimed('iss in capitals', () => ({ iss: String(forger.flawless().claims['iss']).toUpperCase() })),
    claimed('iss with a slash', () => ({ iss: `${String(forger.flawless().claims['iss'])}/` })),
    claimed('aud in capitals', () => ({ aud: String(forger.flawless().claims['aud']).toUpperCase() })),
    ...[undefined, ...subjects].map((sub) => claimed(`sub ${JSON.stringify(sub)}`, () => ({ sub }))),
    ...[undefined, ...roles].map((value) => claimed(`roles ${JSON.stringify(value)}`, () => ({ roles: value }))),

    spoilt('without signature', (token) => token.split('.').slice(0, 2).join('.') + '.'),
    spoilt('without its last dot', (token) => token.split('.').slice(0, 2).join('.')),
    spoilt('without claims (detached)', (token) => `${token.split('.')[0]}..${token.split('.')[2]}`),
    spoilt('without header', (token) => `.${token.split('.').slice(1).join('.')}`),
    spoilt('its header alone', (token) => token.split('.')[0]!),
    spoilt('two dots', () => '..'),
    spoilt('a fourth part', (token) => `${token}.${part({})}`),
    spoilt('an empty fourth part', (token) => `${token}.`),
    spoilt('five parts', (token) => `${token}.a.b`),
    spoilt('an empty part before it', (token) => `.${token}`),
    spoilt('twice', (token) => `${token}.${token}`),
    ...[1, 2, 10, 43, 85].map((by) => spoilt(`shorter by ${by}`, (token) => token.slice(0, -by))),
    spoilt('longer by a letter', (token) => `${token}A`),
    spoilt('longer by four letters', (token) => `${token}AAAA`),
    spoilt('padded', (token) => `${token}=`),
    spoilt('padded as base64', (token) => `${token}==`),
    spoilt('padded in its header', (token) => token.replace('.', '=.')),
    spoilt('padded in its claims', (token) => token.replace(/\.([^.]*)\./, '.$1=.')),
    {
      flaw: 'padded everywhere, before it was signed',
      twin: flawless,
      make: () => {
        const { header, claims } = forger.flawless();
        const padded = (value: Members) =>
          Buffer.from(`${JSON.stringify(value)}  `)
            .toString('base64')
            .replace(/=*$/, '==');
        return forger.seal(padded(header), padded(claims));
      },
    },
    ...[1, 2, 3, 15].map((by) =>
      // The last letter holds four bits that nobody reads: fifteen other letters mean the same bytes.
      spoilt(`another last letter of the same meaning (${by})`, (token) => {
        const last = ALPHABET.indexOf(token.at(-1)!);
        return token.slice(0, -1) + ALPHABET[(last & 0b110000) | ((last + by) & 0b001111)]!;
      }),
    ),
    spoilt('with + and / for - and _', (token) => {
      const [head, claims] = token.split('.') as [string, string];
      return `${head}.${claims}.${'+/'.repeat(43)}`;
    }),
    spoilt('with a tilde', (token) => `${token}~`),
    ...[5, 40, 120, 200, -20].map((at) => spoilt(`one letter different (at ${at})`, (token) => swapped(token, at))),
    ...(['header', 'claims'] as const).map((place) =>
      spoilt(`the ${place} of another token`, (token) => {
        const other = forger.signed({ ...forger.flawless(), [place]: { ...forger.flawless()[place], other: true } });
        const index = place === 'header' ? 0 : 1;
        return token
          .split('.')
          .map((piece, n) => (n === index ? other.split('.')[index]! : piece))
          .join('.');
      }),
    ),
    ...[['admin'], ['customer'], ['admin', 'customer', 'root']].map((more) =>
      spoilt(`roles ${more.join(' and ')} put in after signing`, (token) => {
        const [head, claims, signature] = token.split('.') as [string, string, string];
        const changed = { ...(JSON.parse(Buffer.from(claims, 'base64url').toString()) as Members), roles: more };
        return `${head}.${part(changed)}.${signature}`;
      }),
    ),
    ...(
      [
        ['a list for claims', () => '[]'],
        ['null for claims', () => 'null'],
        ['a string for claims', () => '"admin"'],
        ['nothing for claims', () => ''],
        ['no JSON for claims', () => '{"sub":'],
        ['a comment in its claims', (claims: string) => `/**/${claims}`],
        ['bytes that are no UTF-8 in its claims', () => Buffer.from([0x7b, 0xff, 0xfe, 0x7d])],
        ['claims nested without end', () => '['.repeat(3_000)],
      ] as [string, (claims: string) => string | Buffer][]
    ).map(([flaw, spoil]): BadToken => {
      const make = (change: (claims: string) => string | Buffer) => {
        const { header, claims } = forger.flawless();
        return forger.seal(part(header), base64url(change(JSON.stringify(claims))));
      };
      return { flaw, twin: () => make((claims) => claims), make: () => make(spoil) };
    }),
    ...(
      [
        ['a list for a header', () => '[]'],
        ['null for a header', () => 'null'],
        ['no JSON for a header', () => '{"alg":"ES256"'],
        ['alg twice, none last', (header: string) => header.replace('}', ',"alg":"none"}')],
        ['kid twice, an unknown one last', (header: string) => header.replace('}', ',"kid":"another"}')],
        ['__proto__ for a header', () => `{"__proto__":{"alg":"ES256","kid":"${forger.kid}"}}`],
      ] as [string, (header: string) => string][]
    ).map(([flaw, spoil]): BadToken => {
      const make = (change: (header: string) => string) => {
        const { header, claims } = forger.flawless();
        return forger.seal(base64url(change(JSON.stringify(header))), part(claims));
      };
      return { flaw, twin: () => make((header) => header), make: () => make(spoil) };
    }),
  ];
}

function swapped(token: string, at: number): string {
  const letters = [...token];
  const index = letters.at(at) === '.' ? at + 1 : at;
  return letters.with(index, letters.at(index) === 'A' ? 'B' : 'A').join('');
}

function p256Of(key: KeyObject): Members {
  const { kty, crv, x, y } = key.export({ format: 'jwk' });
  return { kty, crv, x, y };
}
