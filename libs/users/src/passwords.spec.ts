import * as argon2 from '@node-rs/argon2';
import { Busy } from './errors';
import { Passwords } from './passwords';

jest.mock('@node-rs/argon2', () => {
  const real: typeof argon2 = jest.requireActual('@node-rs/argon2');
  return { ...real, hash: jest.fn(real.hash), verify: jest.fn(real.verify) };
});

describe('a password', () => {
  const passwords = new Passwords();

  it('is hashed as OWASP recommends, and never twice the same', async () => {
    const [one, other] = await Promise.all([passwords.hash('a long password'), passwords.hash('a long password')]);
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(other).not.toBe(one);
  });

  it('matches its own hash only', async () => {
    const hashed = await passwords.hash('a long password');
    expect(await passwords.matches('a long password', hashed)).toBe(true);
    expect(await passwords.matches('another password', hashed)).toBe(false);
  });

  it('of nobody never matches, whatever it is', async () => {
    expect(await passwords.matches('the password of nobody', undefined)).toBe(false);
  });

  it('is checked with the same work whether there is such a user or not, from the first time on', async () => {
    const hashed = await passwords.hash('a long password');
    const workFor = async (against: string | undefined) => {
      const [hash, verify] = [jest.mocked(argon2.hash), jest.mocked(argon2.verify)];
      hash.mockClear();
      verify.mockClear();
      await new Passwords().matches('another password', against);
      const costs = verify.mock.calls.map(([compared]) => /^(\$[^$]*){3}/.exec(String(compared))?.[0]);
      return { hashes: hash.mock.calls.length, costs };
    };
    const forNobody = await workFor(undefined);
    expect(forNobody).toEqual({ hashes: 0, costs: ['$argon2id$v=19$m=19456,t=2,p=1'] });
    expect(await workFor(hashed)).toEqual(forNobody);
  });

  it('gets its turn where many wait, and is turned away where too many do', async () => {
    jest.mocked(argon2.hash).mockImplementation(async (plain) => `hash of ${String(plain)}`);
    const asked = Array.from({ length: 1_000 }, (_, n) =>
      passwords.hash(`password ${n}`).catch((error: Error) => error),
    );
    const answers = await Promise.all(asked);
    const turnedAway = answers.filter((answer) => answer instanceof Busy);
    expect(new Set(answers).size).toBe(1_000);
    expect(answers.slice(0, 200)).toEqual(Array.from({ length: 200 }, (_, n) => `hash of password ${n}`));
    expect(turnedAway.length).toBeGreaterThan(700);
    expect(answers.at(-1)).toBeInstanceOf(Busy);
    expect(await passwords.hash('a later password')).toBe('hash of a later password');
  });
});
