import fc from 'fast-check';
import { Mischief } from './mischief';

interface Item {
  stream: string;
  n: number;
}

/** Batches of items, numbered within their stream across all of them. */
const batches = fc.array(fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 8 }), { maxLength: 8 }).map((names) => {
  const counters = new Map<string, number>();
  return names.map((batch) =>
    batch.map((stream): Item => {
      const n = (counters.get(stream) ?? 0) + 1;
      counters.set(stream, n);
      return { stream, n };
    }),
  );
});

const rates = fc.record({ duplicate: fc.constantFrom(0, 0.3, 1), reorder: fc.constantFrom(0, 0.5, 1) });

test('mischief repeats and shuffles, but never takes anything away, nor brings what is new to a stream out of order', async () => {
  await fc.assert(
    fc.asyncProperty(
      batches,
      rates,
      fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
      async (given, rate, random) => {
        const mischief = new Mischief<Item>(
          { ...rate, delayMs: 0 },
          ({ stream }) => stream,
          () => random.next().value as number,
        );
        const seen = new Map<string, number>();
        for (const batch of given) {
          for (const { stream, n } of await mischief.disturb(batch)) {
            const last = seen.get(stream) ?? 0;
            expect(n).toBeLessThanOrEqual(last + 1);
            seen.set(stream, Math.max(last, n));
          }
          for (const { stream, n } of batch) expect(seen.get(stream)).toBeGreaterThanOrEqual(n);
        }
      },
    ),
  );
});

test('with certainty, every item comes twice, and one of an earlier batch once more', async () => {
  const mischief = new Mischief<Item>({ duplicate: 1, reorder: 0, delayMs: 0 }, ({ stream }) => stream);
  expect(await mischief.disturb([{ stream: 'a', n: 1 }])).toHaveLength(2);
  const again = await mischief.disturb([{ stream: 'a', n: 2 }]);
  expect(again.map(({ n }) => n)).toEqual([2, 2, 1]);
});

test('what it has forgotten it does not repeat', async () => {
  const mischief = new Mischief<Item>({ duplicate: 1, reorder: 0, delayMs: 0 }, ({ stream }) => stream);
  await mischief.disturb([{ stream: 'a', n: 5 }]);
  mischief.forget();
  expect((await mischief.disturb([{ stream: 'a', n: 1 }])).map(({ n }) => n)).toEqual([1, 1]);
});
