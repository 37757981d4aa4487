import { pairsByKey, type Keyed } from './pairs-by-key';

describe('two sources side by side', () => {
  it('are paired by key, whatever the batches', async () => {
    const left = ['a', 'b', 'd', 'e', 'h'];
    const right = ['b', 'c', 'e', 'f', 'g'];
    const expected = ['a -', 'b b', '- c', 'd -', 'e e', '- f', '- g', 'h -'];
    for (const size of [1, 2, 3, 10]) {
      for (const other of [1, 2, 3, 10])
        expect(await paired(batches(left, size), batches(right, other))).toEqual(expected);
    }
  });

  it('may be empty', async () => {
    expect(await paired(batches([], 1), batches(['a', 'b'], 1))).toEqual(['- a', '- b']);
    expect(await paired(batches(['a'], 1), batches([], 1))).toEqual(['a -']);
    expect(await paired(batches([], 1), batches([], 1))).toEqual([]);
  });

  it('are refused where one is not in order', async () => {
    await expect(paired(batches(['b', 'a'], 5), batches([], 1))).rejects.toThrow('a comes after b');
  });

  it('are both let go when the walk is given up', async () => {
    const closed: string[] = [];
    const endless = async function* (name: string): AsyncGenerator<Keyed[]> {
      try {
        for (let n = 0; ; n += 1) yield [{ key: String(n).padStart(9, '0') }];
      } finally {
        closed.push(name);
      }
    };
    for await (const _ of pairsByKey(endless('left'), endless('right'))) break;
    expect(closed).toEqual(['left', 'right']);
  });
});

async function paired(left: AsyncIterable<Keyed[]>, right: AsyncIterable<Keyed[]>): Promise<string[]> {
  const found: string[] = [];
  for await (const pairs of pairsByKey(left, right)) {
    for (const [, one, other] of pairs) found.push(`${one?.key ?? '-'} ${other?.key ?? '-'}`);
  }
  return found;
}

async function* batches(keys: string[], size: number): AsyncGenerator<Keyed[]> {
  for (let from = 0; from < keys.length; from += size) yield keys.slice(from, from + size).map((key) => ({ key }));
}
