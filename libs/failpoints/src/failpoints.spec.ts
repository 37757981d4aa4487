import { arm, armFailpoints, disarmFailpoints, failpoint, FailpointThrew, timesFired } from './index';

afterEach(() => disarmFailpoints());

describe('a failpoint', () => {
  it('is nothing while unarmed', () => {
    expect(failpoint('outbox.after-commit')).toBeUndefined();
  });

  it('leaves the others alone when one is armed', () => {
    arm({ name: 'outbox.after-commit', act: 'throw', hit: null }, 'test');
    expect(failpoint('outbox.before-commit')).toBeUndefined();
  });

  it('throws when armed to', async () => {
    arm({ name: 'outbox.after-commit', act: 'throw', hit: null }, 'test');
    await expect(failpoint('outbox.after-commit')).rejects.toThrow(FailpointThrew);
  });

  it('fires at the pass it was armed for, once', async () => {
    arm({ name: 'outbox.after-commit', act: 'throw', hit: 2 }, 'test');
    expect(failpoint('outbox.after-commit')).toBeUndefined();
    await expect(failpoint('outbox.after-commit')).rejects.toThrow(FailpointThrew);
    expect(failpoint('outbox.after-commit')).toBeUndefined();
    expect(timesFired('outbox.after-commit')).toBe(1);
  });

  it('delays', async () => {
    arm({ name: 'provider.call', act: 'delay', delayMs: 20, hit: null }, 'test');
    const start = performance.now();
    await failpoint('provider.call');
    expect(performance.now() - start).toBeGreaterThanOrEqual(19);
  });

  it('hangs', async () => {
    arm({ name: 'provider.call', act: 'hang', hit: null }, 'test');
    const first = await Promise.race([failpoint('provider.call'), new Promise((go) => setImmediate(go, 'went on'))]);
    expect(first).toBe('went on');
  });

  it('kills without a word', () => {
    const kill = jest.spyOn(process, 'kill').mockReturnValue(true);
    arm({ name: 'outbox.after-commit', act: 'kill', hit: null }, 'test');
    void failpoint('outbox.after-commit');
    expect(kill).toHaveBeenCalledWith(process.pid, 'SIGKILL');
    kill.mockRestore();
  });

  it('cannot be armed in production', () => {
    const failpoints = [{ name: 'outbox.after-commit', act: 'kill', hit: null }] as const;
    expect(() => armFailpoints({ environment: 'production', failpoints })).toThrow('production');
    expect(failpoint('outbox.after-commit')).toBeUndefined();
  });
});
