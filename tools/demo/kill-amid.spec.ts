import { killAmid } from './kill-amid';

/** A shop that notes what is done to it, and work that takes so many of the pauses between. */
async function killing(given: { times: number; pausesOfWork: number; chance?: number; workFails?: boolean }) {
  const happened: string[] = [];
  const work = Promise.withResolvers<void>();
  const pauses: number[] = [];
  const kills = await killAmid(
    work.promise,
    {
      kill: async () => void happened.push('killed'),
      start: async () => void happened.push('started'),
    },
    {
      times: given.times,
      withinMs: 2_000,
      onKill: () => undefined,
      onStart: () => undefined,
      chance: () => given.chance ?? 0.5,
      pause: async (ms, signal) => {
        if (pauses.push(ms) <= given.pausesOfWork) return;
        const ended = new Promise((resolve) => signal.addEventListener('abort', resolve));
        if (given.workFails) work.reject(new Error('The shop refused.'));
        else work.resolve();
        await ended;
        throw signal.reason;
      },
    },
  );
  return { kills, happened, pauses };
}

describe('a shop that is killed amid the demo', () => {
  it('is killed as often as wanted at moments left to chance, and is running afterwards', async () => {
    const { kills, happened, pauses } = await killing({ times: 2, pausesOfWork: 2, chance: 0.25 });
    expect(happened).toEqual(['killed', 'started', 'killed', 'started']);
    expect(kills).toBe(2);
    expect(pauses).toEqual([500, 500]);
  });

  it.each([false, true])('is left alone once the work has ended (in failure: %s)', async (workFails) => {
    const { kills, happened } = await killing({ times: 3, pausesOfWork: 1, workFails });
    expect(happened).toEqual(['killed', 'started']);
    expect(kills).toBe(1);
  });
});
