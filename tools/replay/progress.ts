import { Presets, SingleBar } from 'cli-progress';

/** Where the replay tells how far it is. */
export interface Progress {
  /** A stretch of work begins, of so many things. */
  begin(what: string, total: number): void;
  advance(by?: number): void;
  end(): void;
  /** The shop does not answer, and why; `null` where it does again. */
  trouble(reason: string | null): void;
}

/** A bar with rate and remaining time on a terminal, else plain lines, one every few seconds. */
export function progressOn(stream: NodeJS.WriteStream): Progress {
  return stream.isTTY ? new Bar(stream) : new Lines(stream);
}

/** Things a second, from the beginning of the stretch. */
function rate(done: number, beganAt: number): string {
  const seconds = (Date.now() - beganAt) / 1000;
  return seconds > 0 ? `${Math.round(done / seconds)}/s` : '-';
}

class Bar implements Progress {
  private bar: SingleBar | undefined;
  private beganAt = 0;
  private done = 0;

  constructor(private readonly stream: NodeJS.WriteStream) {}

  begin(what: string, total: number): void {
    this.beganAt = Date.now();
    this.done = 0;
    const format = `${what.padEnd(9)} {bar} {value}/{total} · {rate} · {eta_formatted} left {trouble}`;
    this.bar = new SingleBar({ format, stream: this.stream, hideCursor: true, etaBuffer: 200 }, Presets.shades_classic);
    this.bar.start(total, 0, { rate: '-', trouble: '' });
  }

  advance(by = 1): void {
    this.done += by;
    this.bar?.increment(by, { rate: rate(this.done, this.beganAt) });
  }

  end(): void {
    this.bar?.stop();
    this.bar = undefined;
  }

  trouble(reason: string | null): void {
    if (this.bar) this.bar.update({ trouble: reason ? `· waiting for the shop (${reason})` : '' });
    else if (reason) this.stream.write(`waiting for the shop (${reason})\n`);
  }
}

const BETWEEN_LINES_MS = 5_000;

class Lines implements Progress {
  private what = '';
  private total = 0;
  private done = 0;
  private beganAt = 0;
  private saidAt = 0;

  constructor(private readonly stream: NodeJS.WritableStream) {}

  begin(what: string, total: number): void {
    this.what = what;
    this.total = total;
    this.done = 0;
    this.beganAt = this.saidAt = Date.now();
  }

  advance(by = 1): void {
    this.done += by;
    if (Date.now() - this.saidAt >= BETWEEN_LINES_MS) this.say();
  }

  end(): void {
    if (this.what) this.say();
    this.what = '';
  }

  trouble(reason: string | null): void {
    if (reason) this.stream.write(`waiting for the shop (${reason})\n`);
  }

  private say(): void {
    this.saidAt = Date.now();
    const elapsed = (this.saidAt - this.beganAt) / 1000;
    const left = this.done > 0 ? Math.round((elapsed / this.done) * (this.total - this.done)) : undefined;
    const remaining = this.done < this.total && left !== undefined ? ` · ${left} s left` : '';
    this.stream.write(`${this.what} ${this.done}/${this.total} · ${rate(this.done, this.beganAt)}${remaining}\n`);
  }
}
