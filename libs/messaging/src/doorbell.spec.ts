import { Doorbell } from './doorbell';

describe('a doorbell', () => {
  /** A bell whose sound lasts until `end` is called. */
  function bell() {
    const ends: ((error?: Error) => void)[] = [];
    const sound = jest.fn(
      () => new Promise<void>((resolve, reject) => ends.push((error) => (error ? reject(error) : resolve()))),
    );
    const sounded = async (times: number) => {
      while (sound.mock.calls.length < times) await new Promise(setImmediate);
    };
    return { bell: new Doorbell(sound, 0), sound, ends, sounded };
  }

  it('sounds at once', () => {
    const { bell: door, sound } = bell();
    door.ring();
    expect(sound).toHaveBeenCalledTimes(1);
  });

  it('sounds once more for all that ring while it sounds, and not before it has ended', async () => {
    const { bell: door, sound, ends, sounded } = bell();
    for (let n = 0; n < 100; n += 1) door.ring();
    expect(sound).toHaveBeenCalledTimes(1);
    ends[0]?.();
    await sounded(2);
    ends[1]?.();
    door.ring();
    await sounded(3);
    ends[2]?.();
    expect(sound).toHaveBeenCalledTimes(3);
  });

  it('sounds again for whoever rings after a failure', async () => {
    const { bell: door, ends, sounded } = bell();
    door.ring();
    ends[0]?.(new Error('no connection'));
    door.ring();
    await sounded(2);
    ends[1]?.();
  });
});
