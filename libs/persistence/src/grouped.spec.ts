import { grouped } from './grouped';

/** Lets what waits for `setImmediate` happen. */
const nextTurn = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

function recording(
  options: { limit?: number; inFlight?: number; flush?: (items: string[]) => Promise<(string | Error)[]> } = {},
) {
  const flushes: string[][] = [];
  const call = grouped<string, string>({
    limit: options.limit ?? 100,
    inFlight: options.inFlight ?? 1,
    flush: async (items) => {
      flushes.push(items);
      return options.flush ? options.flush(items) : items.map((item) => item.toUpperCase());
    },
  });
  return { call, flushes };
}

describe('calls of one turn', () => {
  it('share one flush, and each gets its own answer', async () => {
    const { call, flushes } = recording();
    expect(await Promise.all(['a', 'b', 'c'].map(call))).toEqual(['A', 'B', 'C']);
    expect(flushes).toEqual([['a', 'b', 'c']]);
  });

  it('are split at the limit', async () => {
    const { call, flushes } = recording({ limit: 2, inFlight: 2 });
    await Promise.all(['a', 'b', 'c'].map(call));
    expect(flushes).toEqual([['a', 'b'], ['c']]);
  });

  it('a lone call waits for nobody', async () => {
    const { call, flushes } = recording();
    void call('a');
    await nextTurn();
    expect(flushes).toEqual([['a']]);
  });
});

it('while a flush is under way, later calls gather for the next', async () => {
  const waiting: (() => void)[] = [];
  const { call, flushes } = recording({
    flush: (items) => new Promise((resolve) => waiting.push(() => resolve(items))),
  });
  const first = call('a');
  await nextTurn();
  const later = ['b', 'c'].map(call);
  await nextTurn();
  expect(flushes).toEqual([['a']]);
  waiting.shift()?.();
  await first;
  await nextTurn();
  expect(flushes).toEqual([['a'], ['b', 'c']]);
  waiting.shift()?.();
  expect(await Promise.all(later)).toEqual(['b', 'c']);
});

it('an item that is refused harms no other', async () => {
  const { call } = recording({
    flush: async (items) => items.map((item) => (item === 'bad' ? new Error('no') : item)),
  });
  const answers = await Promise.allSettled(['good', 'bad', 'fine'].map(call));
  expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
});

it('where a flush fails, each item is tried alone, and only what fails alone fails', async () => {
  const { call, flushes } = recording({
    flush: async (items) => {
      if (items.includes('poison')) throw new Error('no');
      return items;
    },
  });
  const answers = await Promise.allSettled(['a', 'poison', 'b'].map(call));
  expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(flushes).toEqual([['a', 'poison', 'b'], ['a'], ['poison'], ['b']]);
});

it('where the database is away, nothing is tried again: what became of the flush is not known', async () => {
  const { call, flushes } = recording({
    flush: () => Promise.reject(Object.assign(new Error('gone'), { code: 'ECONNRESET' })),
  });
  const answers = await Promise.allSettled(['a', 'b'].map(call));
  expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(flushes).toHaveLength(1);
});

it('after failures it goes on', async () => {
  let broken = true;
  const { call } = recording({ flush: async (items) => (broken ? Promise.reject(new Error('no')) : items) });
  await expect(call('a')).rejects.toThrow('no');
  broken = false;
  expect(await call('b')).toBe('b');
});
