import { peerAt, requestHeaders } from './request-headers';

const stranger = peerAt('203.0.113.7', false);
const balancer = peerAt('10.0.0.2', true);

/** What the app gets to see, by lower-case name. */
function seen(sent: Record<string, string | string[]>, peer = stranger) {
  const raw = Object.entries(sent).flatMap(([name, value]) => [value].flat().flatMap((one) => [name, one]));
  const { lines } = requestHeaders(raw, peer);
  expect(lines.endsWith('\r\n')).toBe(true);
  const pairs = lines
    .slice(0, -2)
    .split('\r\n')
    .map((line) => line.split(': ', 2) as [string, string]);
  return Object.fromEntries(pairs.map(([name, value]) => [name.toLowerCase(), value]));
}

describe('headers on their way to an app', () => {
  it('stay what they are', () => {
    expect(
      seen({ Host: 'shop.example', Authorization: 'Bearer x', 'If-None-Match': '"7"', 'X-Anything': 'a, b' }),
    ).toMatchObject({
      host: 'shop.example',
      authorization: 'Bearer x',
      'if-none-match': '"7"',
      'x-anything': 'a, b',
    });
  });

  it('lose what speaks of the connection, and what Connection names', () => {
    const left = seen({
      Host: 'x',
      Connection: ['close, X-Secret-Hop', 'x-another'],
      'Keep-Alive': 'timeout=5',
      'Proxy-Connection': 'keep-alive',
      'Proxy-Authorization': 'Basic eDp5',
      TE: 'trailers',
      Trailer: 'X-Sum',
      'Transfer-Encoding': 'chunked',
      Upgrade: 'websocket',
      Expect: '100-continue',
      'X-Secret-Hop': '1',
      'X-Another': '2',
      'X-Third': '3',
    });
    expect(Object.keys(left).sort()).toEqual(
      [
        'forwarded',
        'host',
        'x-correlation-id',
        'x-forwarded-for',
        'x-forwarded-host',
        'x-forwarded-proto',
        'x-third',
      ].sort(),
    );
  });

  it('keep what we say ourselves, whatever Connection names', () => {
    const left = seen({ Host: 'x', Connection: 'Host, X-Forwarded-For, X-Correlation-ID, Content-Length' });
    expect(left).toMatchObject({ host: 'x', 'x-forwarded-for': '203.0.113.7' });
    expect(left['x-correlation-id']).toMatch(/^[0-9a-f-]{36}$/);
  });

  it.each([
    'X-User-Id',
    'x-user-id',
    'X_User_Id',
    'X-USER',
    'X-User-Roles',
    'X-Roles',
    'X-Authenticated-User',
    'X-Auth-Request-Email',
    'X-Forwarded-User',
    'X-Forwarded-Email',
    'X-Forwarded-Port',
    'X-Remote-User',
    'Remote-User',
    'X-Customer-Id',
    'X-Tenant-Id',
    'X-JWT-Claims',
    'X-Real-IP',
    'True-Client-IP',
    'CF-Connecting-IP',
    'X-Client-Cert',
    'SSL-Client-Verify',
    'X-Amzn-Oidc-Data',
    'X-Goog-Authenticated-User-Email',
    'X-MS-CLIENT-PRINCIPAL',
    'X-Original-URL',
    'X-Rewrite-URL',
    'X-HTTP-Method-Override',
    'X-Internal-Token',
    'Forwarded',
    'X-Forwarded',
  ])('never say who somebody is by %s', (name) => {
    expect(Object.values(seen({ Host: 'x', [name]: 'mallory' }))).not.toContain('mallory');
    expect(Object.values(seen({ Host: 'x', [name]: 'mallory' }, balancer))).not.toContain('mallory');
  });

  it('tell who asked, and believe nobody who is not configured', () => {
    const lying = {
      Host: 'shop.example',
      'X-Forwarded-For': '1.1.1.1',
      'X-Forwarded-Proto': 'https',
      'X-Forwarded-Host': 'evil',
    };
    expect(seen(lying)).toMatchObject({
      'x-forwarded-for': '203.0.113.7',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': 'shop.example',
      forwarded: 'for=203.0.113.7;host="shop.example";proto=http',
    });
  });

  it('pass on what a proxy of ours says', () => {
    const said = {
      Host: 'inner',
      'X-Forwarded-For': '198.51.100.3, 2001:db8::1',
      'X-Forwarded-Proto': 'https',
      'X-Forwarded-Host': 'shop.example',
    };
    expect(seen(said, balancer)).toMatchObject({
      host: 'inner',
      'x-forwarded-for': '198.51.100.3, 2001:db8::1, 10.0.0.2',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'shop.example',
      forwarded: 'for=198.51.100.3, for="[2001:db8::1]", for=10.0.0.2;host="shop.example";proto=https',
    });
  });

  it('write an address of version 6 in brackets, and nothing that could end a quotation', () => {
    expect(seen({ Host: 'x' }, peerAt('2001:db8::9', false))['forwarded']).toContain('for="[2001:db8::9]"');
    expect(seen({ Host: 'x";proto=https' })['forwarded']).toBe('for=203.0.113.7;proto=http');
    expect(seen({ Host: 'x', 'X-Forwarded-For': 'a"b;c' }, balancer)['forwarded']).toMatch(/^for=unknown, for=10/);
  });

  it('carry the correlation id that was sent, or a new one where it is not fit for logs', () => {
    expect(seen({ Host: 'x', 'X-Correlation-ID': 'abc-1' })['x-correlation-id']).toBe('abc-1');
    expect(seen({ Host: 'x', 'X-Correlation-ID': 'a b' })['x-correlation-id']).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('are known for what they say to us', () => {
    const raw = ['Host', 'a', 'Content-Length', '12', 'Idempotency-Key', 'k', 'Authorization', 'Bearer t'];
    expect(requestHeaders(raw, stranger)).toMatchObject({
      host: 'a',
      namesSeveralHosts: false,
      contentLength: 12,
      chunked: false,
      idempotencyKey: 'k',
      authorization: 'Bearer t',
    });
    expect(requestHeaders(['Host', 'a', 'host', 'b'], stranger).namesSeveralHosts).toBe(true);
  });
});
