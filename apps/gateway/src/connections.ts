import { connect, type Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { AnswerParser, type AnswerListener } from './answer-parser';

/** A question to an app: a whole request, its body perhaps still on the way. */
export interface Question {
  readonly method: string;
  /** Request line and headers, without the empty line that ends them, and without what says how long the body is. */
  readonly head: string;
  /** `announced`: a body of this length is announced and never sent. */
  readonly body: Buffer | BodyStream | { readonly announced: number } | null;
  /** How long the app may take to begin its answer. */
  readonly timeoutMs: number;
}

export interface BodyStream {
  readonly stream: Readable;
  /** Undefined where it is known only in the end: it goes on in chunks then. */
  readonly length: number | undefined;
}

/** Hears what becomes of a question: its answer, or once `onFailure`. */
export interface Asker extends AnswerListener {
  /** From now on the app may have taken notice of it. */
  onSent(): void;
  /** The answer has begun, and its body lets us wait. */
  onHeadAlone(): void;
  onFailure(error: Error): void;
}

/** What a question can be given up by. */
export interface Asked {
  /** Nothing more is told to the asker. */
  abandon(): void;
  pause(): void;
  resume(): void;
}

/** There is no connection to be had: nobody listens, or does not answer. Nothing was sent. */
export class NotConnected extends Error {
  override readonly name = 'NotConnected';
}

/** The app took longer to answer, or to go on with its answer, than it may. */
export class AnswerLate extends Error {
  override readonly name = 'AnswerLate';
}

const CONNECT_TIMEOUT_MS = 2_000;
// Long enough for an app that works on a large answer, short enough to let go of one that has died in the middle.
const LONGEST_PAUSE_MS = 60_000;
const LOOKS_AT_THE_CLOCK_EVERY_MS = 100;
// Where an app does not say how long it keeps a connection.
const KEPT_MS = 4_000;
// An app that keeps a connection for some time has counted from a little earlier than we have.
const KEPT_LESS_MS = 1_000;
// What may not be asked twice goes on a connection that was in use a moment ago, or on a new one: an app that is stopped
// goes on answering kept connections for a quarter of a second, so none of them can close under such a question.
const FRESH_MS = 200;
const REPEATABLE = new Set(['GET', 'HEAD', 'OPTIONS']);
// One write costs less than two, up to about this.
const ONE_PIECE_BYTES = 16_384;

// What is read is taken at once, and one process reads one connection at a time.
const reading = Buffer.allocUnsafeSlow(65_536);

/**
 * The connections to one instance. Each carries one question at a time and is kept for the next; where all are in use, up
 * to a number new ones are made, and then questions wait for one to become free.
 */
export class Connections {
  private readonly host: string;
  private readonly port: number;
  private readonly lines = new Set<Line>();
  /** Kept lines, the most recently used one last. */
  private readonly kept: Line[] = [];
  private readonly waiting: Errand[] = [];
  private clock: NodeJS.Timeout | undefined;
  private closing: (() => void) | undefined;

  constructor(
    address: string,
    private readonly most: number,
  ) {
    const colon = address.lastIndexOf(':');
    this.host = address.slice(0, colon);
    this.port = Number(address.slice(colon + 1));
  }

  ask(question: Question, asker: Asker): Asked {
    const errand = new Errand(question, asker);
    const line = this.keptFor(question);
    if (line) line.carry(errand);
    else if (this.lines.size < this.most) this.open(errand);
    else this.waiting.push(errand);
    this.clock ??= setInterval(() => this.lookAtTheClock(), LOOKS_AT_THE_CLOCK_EVERY_MS);
    return errand;
  }

  /** Closes what is not in use now, and the rest once its questions are answered; comes when all are closed. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.closing = resolve;
      for (const line of this.kept.splice(0)) line.destroy();
      this.endIfNothingIsLeft();
    });
  }

  /** Closes all; questions under way fail. */
  destroy(): void {
    this.closing ??= () => undefined;
    for (const errand of this.waiting.splice(0)) errand.fail(new Error('the instance is not used any more'));
    for (const line of this.lines) line.destroy(new Error('the instance is not used any more'));
    this.endIfNothingIsLeft();
  }

  /** A line has become free. */
  freed(line: Line): void {
    const next = this.nextWaiting();
    if (next) line.carry(next);
    else if (this.closing) line.destroy();
    else this.kept.push(line);
  }

  /** A line has ended. */
  ended(line: Line): void {
    this.lines.delete(line);
    const at = this.kept.indexOf(line);
    if (at !== -1) this.kept.splice(at, 1);
    const next = this.nextWaiting();
    if (next) this.open(next);
    this.endIfNothingIsLeft();
  }

  private open(errand: Errand): void {
    const line = new Line(this, this.host, this.port);
    this.lines.add(line);
    line.carry(errand);
  }

  private keptFor({ method }: Question): Line | undefined {
    const line = this.kept.at(-1);
    if (!line) return undefined;
    const silentMs = performance.now() - line.since;
    // The last one is the freshest: where it will not do, none does.
    if (silentMs > (REPEATABLE.has(method) ? line.keptMs : Math.min(FRESH_MS, line.keptMs))) return undefined;
    return this.kept.pop();
  }

  private nextWaiting(): Errand | undefined {
    for (;;) {
      const next = this.waiting.shift();
      if (!next?.isOver) return next;
    }
  }

  private lookAtTheClock(): void {
    const now = performance.now();
    for (const line of this.lines) line.lookAtTheClock(now);
    while (this.waiting[0] && (this.waiting[0].isOver || this.waiting[0].isLate(now))) {
      this.waiting.shift()?.fail(new Error('every connection to the instance is in use'));
    }
    if (this.lines.size === 0 && this.waiting.length === 0) this.stopTheClock();
  }

  private stopTheClock(): void {
    clearInterval(this.clock);
    this.clock = undefined;
  }

  private endIfNothingIsLeft(): void {
    if (!this.closing || this.lines.size > 0) return;
    this.stopTheClock();
    this.closing();
  }
}

/** One question on its way: hears the answer for the asker, until it is over or nobody asks any more. */
class Errand implements Asked, AnswerListener {
  readonly askedAt = performance.now();
  line: Line | undefined;
  isOver = false;
  /** Whether the answer has begun. */
  hasHead = false;
  private hasData = false;

  constructor(
    readonly question: Question,
    readonly asker: Asker,
  ) {}

  isLate(now: number): boolean {
    return now - this.askedAt > this.question.timeoutMs;
  }

  fail(error: Error): void {
    if (this.isOver) return;
    this.isOver = true;
    this.asker.onFailure(error);
  }

  abandon(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.line?.destroy();
  }

  pause(): void {
    if (!this.isOver) this.line?.pause();
  }

  resume(): void {
    if (!this.isOver) this.line?.resume();
  }

  onHead(status: number, reason: string, headers: string[], closes: boolean): void {
    this.hasHead = true;
    if (!this.isOver) this.asker.onHead(status, reason, headers, closes);
  }

  /** All that has come in so far was told. */
  heard(): void {
    if (this.hasHead && !this.hasData && !this.isOver) this.asker.onHeadAlone();
  }

  onData(chunk: Buffer | string, isLast: boolean): void {
    this.hasData = true;
    if (!this.isOver) this.asker.onData(chunk, isLast);
  }

  onEnd(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.asker.onEnd();
  }
}

/** One connection. */
class Line {
  /** When it began what it does now: connecting, asking, hearing the last of an answer, or nothing. */
  since = performance.now();
  /** How long it is kept when nothing is asked. */
  keptMs = KEPT_MS;
  private readonly parser = new AnswerParser();
  private errand: Errand | undefined;
  private isConnected = false;
  private isSent = false;
  private isPaused = false;
  private readonly socket: Socket;

  constructor(
    private readonly connections: Connections,
    host: string,
    port: number,
  ) {
    const callback = (bytes: number) => {
      this.hear(bytes);
      return true;
    };
    const socket = connect({ host, port, noDelay: true, onread: { buffer: reading, callback } });
    this.socket = socket;
    socket.on('connect', () => {
      this.isConnected = true;
      if (this.errand) this.send(this.errand);
    });
    socket.on('error', (error) => this.fail(this.isConnected ? error : new NotConnected(error.message)));
    // The app is done: what it has not said until now, it will not say.
    socket.on('end', () => this.hearEnd());
    socket.on('close', () => {
      this.fail(new Error('the connection was closed'));
      this.connections.ended(this);
    });
  }

  carry(errand: Errand): void {
    this.errand = errand;
    errand.line = this;
    this.since = performance.now();
    this.isSent = false;
    if (this.isConnected) this.send(errand);
  }

  destroy(error?: Error): void {
    if (error) this.fail(error);
    this.errand = undefined;
    this.socket.destroy();
  }

  pause(): void {
    this.isPaused = true;
    this.socket.pause();
  }

  resume(): void {
    this.isPaused = false;
    this.since = performance.now();
    this.socket.resume();
  }

  lookAtTheClock(now: number): void {
    const { errand } = this;
    const passed = now - this.since;
    if (!errand) {
      if (passed > this.keptMs) this.socket.destroy();
    } else if (!this.isConnected) {
      if (passed > CONNECT_TIMEOUT_MS) this.destroy(new NotConnected(`no connection within ${CONNECT_TIMEOUT_MS} ms`));
    } else if (!errand.hasHead) {
      const { timeoutMs } = errand.question;
      if (this.isSent && passed > timeoutMs) this.destroy(new AnswerLate(`no answer within ${timeoutMs} ms`));
    } else if (!this.isPaused && passed > LONGEST_PAUSE_MS) {
      this.destroy(new AnswerLate(`nothing more of the answer within ${LONGEST_PAUSE_MS} ms`));
    }
  }

  private hear(bytes: number): void {
    const { parser, errand } = this;
    this.since = performance.now();
    try {
      parser.feed(reading, bytes);
    } catch (error) {
      // Where the answer itself was whole, the connection alone is of no use any more.
      this.destroy(errand?.isOver ? undefined : (error as Error));
      return;
    }
    if (errand?.isOver && parser.isIdle) this.rest();
    else errand?.heard();
  }

  private hearEnd(): void {
    try {
      this.parser.finish();
    } catch (error) {
      this.fail(error as Error);
    }
    this.socket.destroy();
  }

  /** The answer has ended: the connection is kept if the app keeps it, and if it has got all of the request. */
  private rest(): void {
    this.errand = undefined;
    const { isReusable, keepsForMs } = this.parser;
    if (!isReusable || !this.isSent) {
      this.socket.destroy();
      return;
    }
    if (this.isPaused) this.resume();
    if (keepsForMs !== undefined) this.keptMs = Math.max(0, keepsForMs - KEPT_LESS_MS);
    this.connections.freed(this);
  }

  private fail(error: Error): void {
    this.errand?.fail(error);
  }

  private send(errand: Errand): void {
    if (errand.isOver) {
      // Given up while the connection was made.
      this.errand = undefined;
      this.connections.freed(this);
      return;
    }
    const { question, asker } = errand;
    this.since = performance.now();
    this.parser.ask(question.method, errand);
    asker.onSent();
    const { head, body } = question;
    if (body === null) {
      this.socket.write(`${head}\r\n`, 'latin1');
      this.isSent = true;
    } else if (Buffer.isBuffer(body)) {
      this.sendShort(`${head}content-length: ${body.length}\r\n\r\n`, body);
    } else if ('announced' in body) {
      this.socket.write(`${head}content-length: ${body.announced}\r\n\r\n`, 'latin1');
    } else {
      this.sendStream(errand, head, body);
    }
  }

  private sendShort(head: string, body: Buffer): void {
    if (body.length <= ONE_PIECE_BYTES) {
      this.socket.write(head + body.toString('latin1'), 'latin1');
    } else {
      this.socket.cork();
      this.socket.write(head, 'latin1');
      this.socket.write(body);
      this.socket.uncork();
    }
    this.isSent = true;
  }

  /** Sends a body as it comes in, no faster than the app reads it. */
  private sendStream(errand: Errand, head: string, { stream, length }: BodyStream): void {
    const { socket } = this;
    const isChunked = length === undefined;
    socket.write(`${head}${isChunked ? 'transfer-encoding: chunked' : `content-length: ${length}`}\r\n\r\n`, 'latin1');
    const isOurs = () => this.errand === errand && !socket.destroyed;
    stream.on('data', (chunk: Buffer) => {
      if (!isOurs() || chunk.length === 0) return;
      this.since = performance.now();
      if (isChunked) {
        socket.cork();
        socket.write(`${chunk.length.toString(16)}\r\n`, 'latin1');
        socket.write(chunk);
        socket.write('\r\n', 'latin1');
        process.nextTick(() => socket.uncork());
      } else {
        socket.write(chunk);
      }
      if (!socket.writableNeedDrain) return;
      stream.pause();
      socket.once('drain', () => stream.resume());
    });
    stream.on('end', () => {
      if (!isOurs()) return;
      if (isChunked) socket.write('0\r\n\r\n', 'latin1');
      this.since = performance.now();
      this.isSent = true;
    });
    stream.on('error', (error) => {
      if (isOurs()) this.destroy(error);
    });
  }
}
