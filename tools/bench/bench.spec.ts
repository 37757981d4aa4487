import { processTime } from './processor-time';
import { failed, markdownOf, type Report } from './report';
import { cpuOf, interleaved, ratioOf } from './rounds';
import { verdictOn, type Figure } from './row';
import { median, quantile } from './statistics';

const figure = (given: Partial<Figure>): Figure => ({
  what: 'a job',
  value: 1,
  unit: '×',
  ours: '1/s',
  reference: '1/s',
  each: [1],
  discarded: 0,
  disturbed: false,
  ...given,
});
const report = (given: Partial<Report>): Report => ({
  command: 'npm run bench',
  machine: {},
  seconds: 1,
  figures: [],
  audit: undefined,
  ...given,
});
const least = { is: 'least', must: 5, aim: 8 } as const;
const most = { is: 'most', must: 1.7, aim: 1.15 } as const;

describe('a verdict', () => {
  it.each([
    [8, least, 'aim'],
    [5, least, 'must'],
    [4.99, least, 'missed'],
    [1.15, most, 'aim'],
    [1.7, most, 'must'],
    [1.71, most, 'missed'],
    [3, undefined, 'told'],
  ] as const)('on %d under %o is %s', (value, limit, verdict) => {
    expect(verdictOn(figure({ value, ...(limit && { limit }) }))).toBe(verdict);
  });
});

describe('a report', () => {
  it('fails where a must is missed', () => {
    expect(failed(report({ figures: [figure({ value: 4, limit: least })] }))).toBe(true);
    expect(failed(report({ figures: [figure({ value: 6, limit: least })] }))).toBe(false);
  });

  it('fails, and says so loudly, where a figure is missing', () => {
    const lacking = report({ figures: [{ what: 'six commits', why: 'pgbench is missing' }] });
    expect(failed(lacking)).toBe(true);
    expect(markdownOf(lacking)).toContain('**NOT MEASURED**: six commits. pgbench is missing.');
  });

  it('fails where the audit found anything', () => {
    expect(failed(report({ audit: { violations: ['money'], counts: {} } }))).toBe(true);
    expect(failed(report({ audit: { violations: [], counts: {} } }))).toBe(false);
  });
});

describe('interleaved rounds', () => {
  const measure = async (foreign: number[]) => {
    const shares = foreign.values();
    const ours = [10, 40, 90].values();
    const theirs = [5, 10, 10].values();
    return interleaved(
      2,
      {
        ours: async () => ({ value: ours.next().value ?? 1, cpu: 7 }),
        theirs: async () => ({ value: theirs.next().value ?? 1 }),
      },
      () => undefined,
      () => () => shares.next().value ?? 0,
    );
  };

  it('compare what was measured in the same round', async () => {
    const rounds = await measure([0, 0]);
    expect(ratioOf(rounds, 'ours', 'theirs')).toBe(3);
    expect(cpuOf(rounds, 'theirs')).toBeUndefined();
    expect(rounds).toMatchObject({ discarded: 0, disturbed: false });
  });

  it('leave out those that other load disturbed, and count them', async () => {
    const rounds = await measure([0, 0.5, 0]);
    expect(rounds.good.map(({ ours }) => ours.value)).toEqual([10, 90]);
    expect(rounds).toMatchObject({ discarded: 1, disturbed: false });
  });

  it('say so where only disturbed ones were to be had', async () => {
    expect(await measure([0.5, 0.5, 0.5, 0.5])).toMatchObject({ discarded: 2, disturbed: true });
  });
});

describe('statistics', () => {
  it('take the middle, and interpolate', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(quantile([0, 10], 0.9)).toBe(9);
    expect(() => median([])).toThrow('nothing');
  });
});

describe('/proc/PID/stat', () => {
  it('is read whatever the program is called', () => {
    const line = '42 (a) S (b) R 7 42 42 0 -1 0 0 0 0 0 11 22 33 44 20 0 1 0 100 200 300';
    expect(processTime(42, line)).toEqual({ pid: 42, parent: 7, own: 330_000, ended: 770_000 });
  });
});
