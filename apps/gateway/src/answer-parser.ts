/** The app did not answer as HTTP/1.1 wants it, and what it said might be taken for something else by the client. */
export class BadAnswer extends Error {
  override readonly name = 'BadAnswer';
}

/** Hears an answer as it comes in. */
export interface AnswerListener {
  /** Headers are names and values in turn, without those of the connection. `closes`: the app said so. */
  onHead(status: number, reason: string, headers: string[], closes: boolean): void;
  /** A string stands for bytes, a character each (latin1). `isLast`: nothing comes after it but the end. */
  onData(chunk: Buffer | string, isLast: boolean): void;
  onEnd(): void;
}

const MOST_HEAD_BYTES = 65_536;
const MOST_CHUNK_LINE_BYTES = 256;
// Up to this a body goes on as text, so that it leaves in one piece with its headers.
const SHORT_BODY_BYTES = 16_384;

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: ([\t\x20-\x7e\x80-\xff]*))?$/;
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
// Control characters, of which a tab alone may stand in a value.
const FORBIDDEN_IN_VALUE = /[\x00-\x08\x0a-\x1f\x7f]/;

const HOP_BY_HOP = new Set(['proxy-connection', 'proxy-authenticate', 'te', 'trailer', 'upgrade', 'http2-settings']);

const enum State {
  /** Nothing was asked, so nothing may come. */
  Idle,
  Head,
  Length,
  UntilClose,
  ChunkSize,
  ChunkExtension,
  ChunkSizeEnd,
  ChunkData,
  ChunkDataCr,
  ChunkDataLf,
  Trailer,
}

const enum Fate {
  Forward,
  Drop,
  Length,
  Encoding,
  Connection,
  KeepAlive,
}

// By the name as it was sent: apps send the same few again and again.
const fates = new Map<string, Fate>();
const MOST_FATES = 1_000;

function fateOf(name: string): Fate {
  const known = fates.get(name);
  if (known !== undefined) return known;
  if (!NAME.test(name)) throw new BadAnswer('a header has no valid name');
  const lower = name.toLowerCase();
  const fate =
    lower === 'content-length'
      ? Fate.Length
      : lower === 'transfer-encoding'
        ? Fate.Encoding
        : lower === 'connection'
          ? Fate.Connection
          : lower === 'keep-alive'
            ? Fate.KeepAlive
            : HOP_BY_HOP.has(lower)
              ? Fate.Drop
              : Fate.Forward;
  if (fates.size < MOST_FATES) fates.set(name, fate);
  return fate;
}

/**
 * Reads the answers on one connection, strictly: what could be read in two ways is refused, since the client might read it
 * in the other. One question at a time; `ask` before each.
 */
export class AnswerParser {
  /** Whether the connection may be used again once the answer has ended. */
  isReusable = false;
  /** How long the app keeps the connection when nothing is asked; undefined where it does not say. */
  keepsForMs: number | undefined;
  private state = State.Idle;
  private held = '';
  private left = 0;
  private lineBytes = 0;
  private forHead = false;
  private listener: AnswerListener | undefined;

  get isIdle(): boolean {
    return this.state === State.Idle;
  }

  ask(method: string, listener: AnswerListener): void {
    this.state = State.Head;
    this.forHead = method === 'HEAD';
    this.listener = listener;
    this.isReusable = false;
  }

  /** Takes what has come in; `bytes` may be overwritten afterwards. Throws BadAnswer. */
  feed(bytes: Buffer, length: number): void {
    let at = 0;
    while (at < length) {
      if (this.state === State.Idle) {
        this.isReusable = false;
        throw new BadAnswer('it says more than was asked');
      }
      at = this.state === State.Head ? this.head(bytes, at, length) : this.body(bytes, at, length);
    }
  }

  /** The connection has ended, which is the end of an answer that has no other. Throws BadAnswer in the middle of one. */
  finish(): void {
    if (this.state === State.Idle) return;
    if (this.state !== State.UntilClose) throw new BadAnswer('the connection ended before the answer did');
    this.end();
  }

  private head(bytes: Buffer, from: number, length: number): number {
    const before = this.held.length;
    const text = this.held + bytes.toString('latin1', from, length);
    const end = text.indexOf('\r\n\r\n', Math.max(0, before - 3));
    if (end === -1 || end > MOST_HEAD_BYTES) {
      if (text.length > MOST_HEAD_BYTES) throw new BadAnswer('its headers are too large');
      this.held = text;
      return length;
    }
    this.held = '';
    const bodyAt = from + end + 4 - before;
    this.readHead(text, end);
    // Most answers come in one piece.
    if (this.state === State.Length && this.left === length - bodyAt && this.left <= SHORT_BODY_BYTES) {
      this.listener?.onData(text.slice(end + 4), true);
      this.end();
      return length;
    }
    return bodyAt;
  }

  private readHead(text: string, end: number): void {
    let lineEnd = text.indexOf('\r\n');
    const statusLine = STATUS_LINE.exec(text.slice(0, lineEnd));
    if (!statusLine) throw new BadAnswer('its first line is none');
    const status = Number(statusLine[2]);
    const headers: string[] = [];
    let contentLength: number | undefined;
    let isChunked = false;
    let connection: string | undefined;
    this.keepsForMs = undefined;
    while (lineEnd < end) {
      const at = lineEnd + 2;
      lineEnd = text.indexOf('\r\n', at);
      const colon = text.indexOf(':', at);
      if (colon === -1 || colon > lineEnd) throw new BadAnswer('a header has no colon');
      const name = text.slice(at, colon);
      const value = text.slice(colon + 1, lineEnd).trim();
      if (FORBIDDEN_IN_VALUE.test(value)) throw new BadAnswer(`its header ${name} holds control characters`);
      switch (fateOf(name)) {
        case Fate.Forward:
          headers.push(name, value);
          break;
        case Fate.Length:
          if (contentLength !== undefined) throw new BadAnswer('it has more than one length');
          if (!/^\d{1,15}$/.test(value)) throw new BadAnswer('its length is none');
          contentLength = Number(value);
          headers.push(name, value);
          break;
        case Fate.Encoding:
          if (isChunked || value.toLowerCase() !== 'chunked') throw new BadAnswer('it comes in an unknown encoding');
          isChunked = true;
          break;
        case Fate.Connection:
          connection = connection === undefined ? value : `${connection},${value}`;
          break;
        case Fate.KeepAlive: {
          const seconds = /(?:^|[ ,])timeout=(\d{1,6})/i.exec(value)?.[1];
          if (seconds !== undefined) this.keepsForMs = Number(seconds) * 1_000;
          break;
        }
        case Fate.Drop:
      }
    }
    if (isChunked && contentLength !== undefined) throw new BadAnswer('it has both a length and chunks');
    if (isChunked && statusLine[1] === '0') throw new BadAnswer('HTTP/1.0 knows no chunks');
    if (status === 101) throw new BadAnswer('it changes the protocol, which nobody asked for');
    // What it says before the answer is meant for us.
    if (status < 200) return;

    const named = connection === undefined ? NOTHING : namesIn(connection);
    if (connection !== undefined) dropNamed(headers, named);
    const hasNone = this.forHead || status === 204 || status === 304 || contentLength === 0;
    const untilClose = !hasNone && !isChunked && contentLength === undefined;
    const closes = named.includes('close');
    this.isReusable = statusLine[1] === '1' && !untilClose && !closes;
    this.listener?.onHead(status, statusLine[3] ?? '', headers, closes);
    if (hasNone) {
      this.end();
    } else if (isChunked) {
      this.beginChunk();
    } else {
      this.state = untilClose ? State.UntilClose : State.Length;
      this.left = contentLength ?? 0;
    }
  }

  private body(bytes: Buffer, from: number, length: number): number {
    let at = from;
    while (at < length && this.state !== State.Idle) {
      switch (this.state) {
        case State.Length:
        case State.ChunkData: {
          const until = Math.min(length, at + this.left);
          this.left -= until - at;
          const isLast = this.state === State.Length && this.left === 0;
          this.listener?.onData(Buffer.from(bytes.subarray(at, until)), isLast);
          at = until;
          if (isLast) this.end();
          else if (this.left === 0) this.state = State.ChunkDataCr;
          break;
        }
        case State.UntilClose:
          this.listener?.onData(Buffer.from(bytes.subarray(at, length)), false);
          at = length;
          break;
        default:
          this.betweenChunks(bytes[at] as number);
          at += 1;
      }
    }
    return at;
  }

  private betweenChunks(byte: number): void {
    switch (this.state) {
      case State.ChunkSize: {
        const digit = hexadecimal(byte);
        if (digit !== -1 && this.lineBytes < 8) {
          this.left = this.left * 16 + digit;
          this.lineBytes += 1;
        } else if (this.lineBytes > 0 && byte === CR) this.state = State.ChunkSizeEnd;
        else if (this.lineBytes > 0 && byte === SEMICOLON) this.state = State.ChunkExtension;
        else throw new BadAnswer('a chunk has no size');
        return;
      }
      case State.ChunkExtension:
        if (byte === CR) this.state = State.ChunkSizeEnd;
        else if (byte === LF || ++this.lineBytes > MOST_CHUNK_LINE_BYTES) throw new BadAnswer('a chunk has no size');
        return;
      case State.ChunkSizeEnd:
        if (byte !== LF) throw new BadAnswer('the size of a chunk does not end');
        this.state = this.left === 0 ? State.Trailer : State.ChunkData;
        return;
      case State.ChunkDataCr:
        if (byte !== CR) throw new BadAnswer('a chunk is longer than its size');
        this.state = State.ChunkDataLf;
        return;
      case State.ChunkDataLf:
        if (byte !== LF) throw new BadAnswer('a chunk is longer than its size');
        this.beginChunk();
        return;
      default:
        this.trailer(byte);
    }
  }

  /** What comes after the last chunk is read and forgotten, up to an empty line. */
  private trailer(byte: number): void {
    this.held += String.fromCharCode(byte);
    if (this.held === '\r\n' || this.held.endsWith('\r\n\r\n')) {
      this.held = '';
      this.end();
    } else if (this.held.length > MOST_HEAD_BYTES) throw new BadAnswer('its trailers are too large');
  }

  private beginChunk(): void {
    this.state = State.ChunkSize;
    this.left = 0;
    this.lineBytes = 0;
  }

  private end(): void {
    this.state = State.Idle;
    const { listener } = this;
    this.listener = undefined;
    listener?.onEnd();
  }
}

const CR = 0x0d;
const LF = 0x0a;
const SEMICOLON = 0x3b;
const NOTHING: readonly string[] = [];
const KEEP_ALIVE: readonly string[] = ['keep-alive'];

function namesIn(connection: string): readonly string[] {
  if (connection === 'keep-alive') return KEEP_ALIVE;
  return connection.split(',').map((name) => name.trim().toLowerCase());
}

function hexadecimal(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

/** Takes out of `headers`, names and values in turn, what a Connection header names: that was said to us alone. */
function dropNamed(headers: string[], named: readonly string[]): void {
  if (named === KEEP_ALIVE || (named.length === 1 && named[0] === 'close')) return;
  for (let at = headers.length - 2; at >= 0; at -= 2) {
    if (named.includes((headers[at] as string).toLowerCase())) headers.splice(at, 2);
  }
}
