import { faultsOf, isClean, tableOf, type Way } from './report';

const way = (more: Partial<Way> = {}): Way => ({
  ...{ name: '1 out', orders: 3, acknowledged: 9, kills: 4, tookMs: 60_000, longestToConfirmMs: 800 },
  ...{ lost: [], doubled: [], outOfOrder: [], failed: [], violations: [] },
  longestWait: { ms: 1_500, what: 'an order' },
  ...more,
});
const plain = (ways: Way[]) => tableOf(ways).replaceAll(/\u001b\[\d+m/g, '');

describe('the report of a drill', () => {
  it.each(['lost', 'doubled', 'outOfOrder', 'failed', 'violations'] as const)('is spoilt by what was %s', (kind) => {
    expect(isClean(way())).toBe(true);
    expect(isClean(way({ [kind]: ['order 7'] }))).toBe(false);
  });

  it('tells the first of many faults, and how many more there are', () => {
    const lines = faultsOf(way({ outOfOrder: Array.from({ length: 12 }, (_, n) => `message ${n}`) }));
    expect(lines).toHaveLength(11);
    expect([lines[0], lines.at(-1)]).toEqual(['out of order: message 0', 'out of order: and 2 more']);
  });

  it('sums up the ways, and keeps the longest of what took long', () => {
    const rows = plain([way(), way({ longestWait: { ms: 2_500, what: '' }, lost: ['order 7'] })]).split('\n');
    expect(rows.at(-2)).toMatch(/all │\s+6 │\s+18 │\s+8 │\s+1 │\s+0 │.*2\.5 s │\s+0\.8 s │\s+120\.0 s/);
  });
});
