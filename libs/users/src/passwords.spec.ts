import { Passwords } from './passwords';

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

  it('gets its turn, however many there are', async () => {
    const hashes = await Promise.all(Array.from({ length: 20 }, (_, n) => passwords.hash(`password number ${n}`)));
    expect(new Set(hashes).size).toBe(20);
  });
});
