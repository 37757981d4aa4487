import { MalformedMessage } from './envelope';
import { DependencyAway, PermanentError } from './errors';
import { judge } from './held-messages';

const rule = { attempts: 5, firstDelayMs: 1_000, maxDelayMs: 5_000 };
const middling = () => 0.5;

describe('what becomes of a message that failed', () => {
  it.each([
    [0, 1_000],
    [1, 2_000],
    [2, 4_000],
    [3, 5_000],
  ])('after %i failures before, it is tried again in %i ms', (before, delayMs) => {
    expect(judge(new Error('no'), before, rule, middling)).toMatchObject({
      state: 'retrying',
      attempts: before + 1,
      delayMs,
    });
  });

  it('is parked by the last attempt, with code and error', () => {
    expect(judge(Object.assign(new Error('no'), { code: 'some-code' }), 4, rule)).toEqual({
      state: 'parked',
      attempts: 5,
      code: 'some-code',
      error: 'Error: no',
      delayMs: null,
    });
  });

  it('jitters by a fifth either way', () => {
    expect(judge(new Error('no'), 0, rule, () => 0).delayMs).toBeCloseTo(800);
    expect(judge(new Error('no'), 0, rule, () => 1).delayMs).toBeCloseTo(1_200);
  });

  it.each([new PermanentError('never'), new MalformedMessage('gibberish')])('is parked at once by %s', (error) => {
    expect(judge(error, 0, rule)).toMatchObject({ state: 'parked', attempts: 1 });
  });

  it.each([
    new DependencyAway('the provider sleeps'),
    Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }),
    Object.assign(new Error('ended'), { code: '57P01' }),
  ])('is not counted where the fault is elsewhere: %s', (error) => {
    expect(judge(error, 3, rule, middling)).toMatchObject({ state: 'retrying', attempts: 3 });
    // Also where somebody has lowered the number of attempts meanwhile.
    expect(judge(error, 9, rule, middling)).toMatchObject({ state: 'retrying', attempts: 9 });
  });

  it('copes with what is not even an error', () => {
    expect(judge('a string', 4, rule)).toMatchObject({ state: 'parked', code: 'failed', error: 'a string' });
    expect(judge(undefined, 4, rule)).toMatchObject({ state: 'parked', code: 'failed', error: 'undefined' });
  });
});
