import { choose, seedOf } from './choose';

const users = Array.from({ length: 20_000 }, (_, number) => seedOf(`user-${number}`));
const between = (weights: Record<string, number>) =>
  Object.entries(weights).map(([name, weight]) => ({ name, weight, seed: seedOf(name) }));
const chosenBy = (weights: Record<string, number>) => {
  const candidates = between(weights);
  return users.map((user) => choose(candidates, user)?.name);
};
const share = (chosen: (string | undefined)[], name: string) =>
  chosen.filter((one) => one === name).length / chosen.length;

describe('choosing by key', () => {
  it.each([
    [{ monolith: 50, payments: 50 }, 0.5],
    [{ monolith: 99, payments: 1 }, 0.01],
    [{ monolith: 1, payments: 3 }, 0.75],
    [{ monolith: 0, payments: 1 }, 1],
    [{ monolith: 100, payments: 0 }, 0],
  ])('divides users as %j says', (weights, expected) => {
    expect(Math.abs(share(chosenBy(weights), 'payments') - expected)).toBeLessThan(0.01);
  });

  it('answers the same every time', () => {
    const weights = { monolith: 30, payments: 70 };
    expect(chosenBy(weights)).toEqual(chosenBy(weights));
  });

  it('moves the share that must move, and nobody back, while a module moves step by step', () => {
    const steps = [0, 1, 5, 25, 50, 75, 95, 100];
    for (const [at, weight] of steps.entries()) {
      const next = steps[at + 1];
      if (next === undefined) break;
      const before = chosenBy({ monolith: 100 - weight, payments: weight });
      const after = chosenBy({ monolith: 100 - next, payments: next });
      const moved = users.filter((_, user) => before[user] !== after[user]);
      const movedBack = users.filter((_, user) => before[user] === 'payments' && after[user] === 'monolith');
      expect(movedBack).toEqual([]);
      expect(Math.abs(moved.length / users.length - (next - weight) / 100)).toBeLessThan(0.015);
    }
  });

  it('moves only the keys of one that goes', () => {
    const before = chosenBy({ a: 1, b: 1, c: 1 });
    const after = chosenBy({ a: 1, b: 1 });
    expect(users.filter((_, user) => before[user] !== 'c' && before[user] !== after[user])).toEqual([]);
  });
});

describe('choosing by chance', () => {
  it('keeps to the weights', () => {
    const candidates = between({ a: 20, b: 80 });
    const chosen = users.map(() => choose(candidates, undefined)?.name);
    expect(Math.abs(share(chosen, 'b') - 0.8)).toBeLessThan(0.03);
  });

  it('finds nobody where nobody is left', () => {
    expect(choose([], undefined)).toBeUndefined();
    expect(choose(between({ a: 0 }), 7)).toBeUndefined();
  });
});
