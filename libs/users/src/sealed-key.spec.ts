import { seal, unseal } from './sealed-key';

describe('a sealed key', () => {
  const secret = 'a secret that is long enough to be one';
  const sealed = seal('the private key', 'kid-1', secret);

  it('opens under its own secret and kid', () => {
    expect(unseal(sealed, 'kid-1', secret)).toBe('the private key');
  });

  it('shows nothing of the key', () => {
    expect(sealed.toString('latin1')).not.toContain('private');
    expect(seal('the private key', 'kid-1', secret)).not.toEqual(sealed);
  });

  it.each([
    ['another secret', sealed, 'kid-1', `${secret}!`],
    ['another kid', sealed, 'kid-2', secret],
    [
      'a changed byte',
      Buffer.concat([sealed.subarray(0, -1), Buffer.from([~(sealed.at(-1) as number)])]),
      'kid-1',
      secret,
    ],
    ['less than a nonce', sealed.subarray(0, 5), 'kid-1', secret],
  ])('does not open with %s', (_, bytes, kid, under) => {
    expect(() => unseal(bytes, kid, under)).toThrow();
  });
});
