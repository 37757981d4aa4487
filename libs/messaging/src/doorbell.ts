import { setTimeout as delay } from 'node:timers/promises';

// A notification takes a lock that all of a database's notifying sessions share, so under load few must do for many.
const REST_MS = 5;

/**
 * Tells others that there is something new. The first ring goes out at once, one is under way at a time, and all that ring
 * meanwhile share the next. One that fails is not repeated: whoever listens looks by the clock, too.
 */
export class Doorbell {
  private ringing = false;
  private again = false;

  constructor(
    private readonly sound: () => Promise<unknown>,
    private readonly restMs = REST_MS,
  ) {}

  ring(): void {
    this.again = true;
    if (!this.ringing) void this.soundAll();
  }

  private async soundAll(): Promise<void> {
    this.ringing = true;
    while (this.again) {
      this.again = false;
      await this.sound().catch(() => undefined);
      await delay(this.restMs, undefined, { ref: false });
    }
    this.ringing = false;
  }
}
