import { stickyKey } from './sticky-key';

const token = (payload: object) =>
  `Bearer ${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from(JSON.stringify(payload)).toString('base64url')}.signature`;
const jane = token({ sub: 'jane', iat: 1 });
const janeLater = token({ sub: 'jane', iat: 2 });

describe('what keeps a request with its upstream', () => {
  it('is its user, with whichever token', () => {
    expect(stickyKey('user', { authorization: jane, idempotencyKey: 'k' })).toBe('jane');
    expect(stickyKey('user', { authorization: janeLater, idempotencyKey: undefined })).toBe('jane');
  });

  it('is the key of a request without a user', () => {
    expect(stickyKey('user', { authorization: undefined, idempotencyKey: 'k' })).toBe('k');
    expect(stickyKey('user', { authorization: undefined, idempotencyKey: undefined })).toBeUndefined();
  });

  it('is the key where the route says so, and nothing where it says nothing', () => {
    expect(stickyKey('key', { authorization: jane, idempotencyKey: 'k' })).toBe('k');
    expect(stickyKey('key', { authorization: jane, idempotencyKey: undefined })).toBeUndefined();
    expect(stickyKey('none', { authorization: jane, idempotencyKey: 'k' })).toBeUndefined();
  });

  it.each(['Bearer nonsense', 'Bearer a.b.c', 'Bearer a.bnVsbA.c', 'Basic eDp5', token({ sub: 7 }), ''])(
    'is no user where there is none: %s',
    (authorization) => {
      expect(stickyKey('user', { authorization, idempotencyKey: 'k' })).toBe('k');
    },
  );
});
