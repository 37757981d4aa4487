import { prefixer, takesColours } from './printed';

describe('what is printed', () => {
  it('says who says it, at the same width for all', () => {
    const prefixed = prefixer(['users', 'inventory', 'banyan'], false);
    expect([prefixed('users', 'hello'), prefixed('banyan', 'hello')]).toEqual([
      'users     | hello',
      'banyan    | hello',
    ]);
  });

  it('gives each a colour of their own', () => {
    const prefixed = prefixer(['users', 'orders'], true);
    const colourOf = (line: string) => line.slice(0, line.indexOf('m'));
    expect(colourOf(prefixed('users', ''))).not.toBe(colourOf(prefixed('orders', '')));
  });

  it.each([
    [{ isTTY: true }, {}, true],
    [{ isTTY: true }, { NO_COLOR: '1' }, false],
    [{ isTTY: false }, { CI: '1' }, false],
    [{}, { FORCE_COLOR: '1' }, false],
  ])('is coloured for people who have not asked for plain text: %j %j: %s', (stream, environment, coloured) => {
    expect(takesColours(stream, environment)).toBe(coloured);
  });
});
