import { setTimeout as pause } from 'node:timers/promises';
import { Asking, type AskingOptions } from './asking';

interface Question {
  id: string;
}

const questions = (count: number, prefix = 'q'): Question[] =>
  Array.from({ length: count }, (_, n) => ({ id: `${prefix}${n}` }));

/** An asking whose answers are given, or refused, by the test. */
function setup(options: Partial<AskingOptions<Question>> = {}) {
  const open = new Map<string, { answer(): void; fail(): void }>();
  const log: string[] = [];
  const asking = new Asking<Question>({
    mostUnderWay: 2,
    mostWaiting: 100,
    ask: ({ id }, attempt) =>
      new Promise<void>((resolve, reject) => {
        log.push(attempt === 1 ? id : `${id} again`);
        open.set(id, { answer: resolve, fail: () => reject(new Error('no answer')) });
      }),
    onFailed: ({ id }, attempt) => log.push(`${id} failed ${attempt}`),
    onRoom: () => log.push('room'),
    ...options,
  });
  const answer = async (id: string) => {
    open.get(id)!.answer();
    await pause(0);
  };
  const fail = async (id: string) => {
    open.get(id)!.fail();
    await pause(0);
  };
  return { asking, log, answer, fail };
}

describe('asking', () => {
  it('asks only so many at a time, in order', async () => {
    const { asking, log, answer } = setup();
    asking.put(questions(4));
    expect(log).toEqual(['q0', 'q1']);
    await answer('q1');
    expect(log).toEqual(['q0', 'q1', 'q2']);
  });

  it('takes a question once, however often it is put', async () => {
    const { asking, log } = setup();
    asking.put(questions(1));
    asking.put(questions(1));
    expect(log).toEqual(['q0']);
  });

  it('asks again what was not answered, and lets others go first', async () => {
    const { asking, log, answer, fail } = setup({ mostUnderWay: 1 });
    asking.put(questions(2));
    await fail('q0');
    await answer('q1');
    while (log.length < 4) await pause(5);
    expect(log).toEqual(['q0', 'q0 failed 1', 'q1', 'q0 again']);
  });

  it('takes back what is not being asked', async () => {
    const { asking, log, answer, fail } = setup();
    asking.put(questions(4));
    asking.withdraw('q0');
    asking.withdraw('q2');
    await fail('q1');
    asking.withdraw('q1');
    await answer('q0');
    expect(log).toEqual(['q0', 'q1', 'q1 failed 1', 'q3']);
    expect(asking.room).toBe(99);
  });

  it.each([4, 6])(
    'takes no more than there is room for, and tells when there is room again (%i put)',
    async (count) => {
      const { asking, log, answer } = setup({ mostWaiting: 4 });
      asking.put(questions(count));
      for (const id of ['q0', 'q1', 'q2', 'q3']) await answer(id);
      expect(log).toEqual(['q0', 'q1', 'q2', 'q3', 'room']);
      expect(asking.room).toBe(4);
    },
  );

  it('knows what has no answer yet', async () => {
    const { asking, answer, fail } = setup();
    asking.put(questions(3));
    await answer('q0');
    await fail('q1');
    await asking.stop(0);
    expect(asking.unanswered.map(({ id }) => id)).toEqual(['q1', 'q2']);
  });

  it('waits at its end for what is under way, but not for ever', async () => {
    const { asking, log, answer } = setup();
    asking.put(questions(3));
    const stopped = asking.stop(60_000);
    await answer('q0');
    await answer('q1');
    await stopped;
    expect(log).toEqual(['q0', 'q1']);

    const stuck = setup();
    stuck.asking.put(questions(1));
    await stuck.asking.stop(10);
    stuck.asking.put(questions(1, 'late'));
    expect(stuck.log).toEqual(['q0']);
  });
});
