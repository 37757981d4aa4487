import { createPublicKey } from 'node:crypto';
import { anAdmin } from '../journeys/shop/admin';
import { aCustomer, type Customer } from '../journeys/shop/customer';
import { until } from '../journeys/shop/eventually';
import { skippedLoudly, theShop } from '../journeys/shop/shop';
import { aVisitor } from '../journeys/shop/visitor';
import { badTokens } from './bad-tokens';
import { Forger } from './forger';

const NOBODY = '01980f2e-7c00-7000-8000-00000000000a';
/** A door of each module, which checks tokens with keys of its own, and what is behind it for who may come in. */
const DOORS: [method: string, path: string, call: object, inside: number][] = [
  ['GET', `/users/${NOBODY}`, {}, 404],
  ['GET', '/orders?limit=1', {}, 200],
  ['GET', `/payments?orderId=${NOBODY}`, {}, 200],
  ['PATCH', `/products/${NOBODY}`, { body: {} }, 404],
];
const AT_ONCE = 40;

const visitor = aVisitor();
const canForge = theShop().databaseUrls.length > 0;
if (!canForge)
  skippedLoudly('bad access tokens: the shop does not say where its databases are, so none can be forged.');

/** What each door answers to the token. */
const knockWith = (token: string) =>
  Promise.all(
    DOORS.map(async ([method, path, call]) => {
      const { status, body } = await visitor.calls(method, path, { ...call, token });
      return status === 401 ? `401 ${body.code as string}` : status;
    }),
  );

(canForge ? describe : describe.skip)('an access token', () => {
  let jane: Customer;
  let forger: Forger;
  beforeAll(async () => {
    jane = await aCustomer();
    forger = await Forger.employedBy(theShop(), jane.tokens!.accessToken);
    // Every module reads its keys again within seconds.
    await knockWith(forger.signed(forger.flawless()));
  });

  it('that is bad opens no door, and its twin without the flaw opens all of them', async () => {
    const { body } = await visitor.calls('GET', '/.well-known/jwks.json');
    const shopsKey = createPublicKey({ key: body.keys[0], format: 'jwk' });
    const tokens = badTokens(forger, shopsKey);
    expect(tokens.length).toBeGreaterThanOrEqual(200);
    expect(new Set(tokens.map(({ flaw }) => flaw)).size).toBe(tokens.length);

    const wrong: string[] = [];
    const waiting = [...tokens];
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        for (let next = waiting.shift(); next; next = waiting.shift()) {
          const { flaw, make, twin } = next;
          const [refused, admitted] = [await knockWith(make()), await knockWith(twin())];
          const isRefused = refused.every((answer) => /^401 (invalid-token|unauthenticated)$/.test(String(answer)));
          const isAdmitted = admitted.every((answer, door) => answer === DOORS[door]![3]);
          if (!isRefused || !isAdmitted) {
            wrong.push(`${flaw}: ${refused.join(', ')}; its twin: ${admitted.join(', ')}`);
          }
        }
      }),
    );
    expect(wrong).toEqual([]);
  });

  it('opens no door once its user is erased, in no module', async () => {
    const leaver = await aCustomer();
    const draft = forger.flawless();
    const token = (sub: string) => forger.signed({ ...draft, claims: { ...draft.claims, sub } });
    const insides = DOORS.map(([, , , inside]) => inside);
    expect(await knockWith(token(leaver.id))).toEqual(insides);
    await leaver.asks(202, 'DELETE', '/users/me');
    await until('every module has heard of it', async () =>
      (await knockWith(token(leaver.id))).every((answer) => answer === '401 invalid-token'),
    );
    expect(await knockWith(token(leaver.id.toUpperCase()))).toEqual(DOORS.map(() => '401 invalid-token'));
    expect(await knockWith(token(jane.id))).toEqual(insides);
  });

  it('is none: a refresh token, a key, or a password', async () => {
    const admin = await anAdmin();
    for (const token of [jane.tokens!.refreshToken, admin.tokens!.refreshToken, forger.kid, jane.password]) {
      expect(await knockWith(token)).toEqual(DOORS.map(() => '401 invalid-token'));
    }
  });

  it.each([
    ['no scheme', (token: string) => token],
    ['another scheme', (token: string) => `Basic ${token}`],
    ['two spaces', (token: string) => `Bearer  ${token}`],
    ['a tab', (token: string) => `Bearer\t${token}`],
    ['a comma', (token: string) => `Bearer ${token},`],
    ['quotes', (token: string) => `Bearer "${token}"`],
    ['two tokens', (token: string) => `Bearer ${token} ${token}`],
    ['two schemes', (token: string) => `Bearer Bearer ${token}`],
    ['a parameter', (token: string) => `Bearer token=${token}`],
  ])('is refused in a header with %s', async (_, write) => {
    const { accessToken } = jane.tokens!;
    const answer = await visitor.calls('GET', '/users/me', { headers: { authorization: write(accessToken) } });
    expect([answer.status, answer.headers['www-authenticate']?.startsWith('Bearer')]).toEqual([401, true]);
  });

  it.each([
    ['the query', (token: string) => ({ path: `/users/me?access_token=${token}` })],
    ['a cookie', (token: string) => ({ headers: { cookie: `accessToken=${token}` } })],
    ['another header', (token: string) => ({ headers: { 'x-access-token': token } })],
  ])('is not looked for in %s', async (_, place) => {
    const { path = '/users/me', headers = {} }: { path?: string; headers?: Record<string, string> } = place(
      jane.tokens!.accessToken,
    );
    expect((await visitor.calls('GET', path, { headers })).status).toBe(401);
  });
});
