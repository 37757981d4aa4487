import { AnswerParser, BadAnswer, type AnswerListener } from './answer-parser';

class Heard implements AnswerListener {
  status = 0;
  reason = '';
  headers: string[] = [];
  body = '';
  pieces = 0;
  ended = 0;
  closes = false;

  onHead(status: number, reason: string, headers: string[], closes: boolean): void {
    Object.assign(this, { status, reason, headers, closes });
  }

  onData(chunk: Buffer | string): void {
    this.pieces += 1;
    this.body += chunk.toString('latin1' as never);
  }

  onEnd(): void {
    this.ended += 1;
  }
}

function read(text: string, { method = 'GET', pieces = [text], ends = false } = {}) {
  const parser = new AnswerParser();
  const heard = new Heard();
  parser.ask(method, heard);
  const buffer = Buffer.alloc(65_536);
  for (const piece of pieces) parser.feed(buffer, buffer.write(piece, 'latin1'));
  if (ends) parser.finish();
  return { heard, parser };
}

const short = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello';
const chunked =
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: 1\r\n\r\n5\r\nhello\r\n6;name="x"\r\n world\r\n0\r\nX-Sum: 9\r\n\r\n';

describe('an answer', () => {
  it.each([
    ['of a known length', short, 'hello'],
    ['in chunks', chunked, 'hello world'],
    [
      'after others that are none',
      `HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n${short}`,
      'hello',
    ],
  ])('%s is the same in one piece and byte by byte', (_, text, body) => {
    for (const pieces of [[text], [...text]]) {
      const { heard, parser } = read(text, { pieces });
      expect(heard).toMatchObject({ status: 200, reason: 'OK', body, ended: 1 });
      expect([parser.isIdle, parser.isReusable]).toEqual([true, true]);
    }
  });

  it('that is short comes in one piece', () => {
    expect(read(short).heard.pieces).toBe(1);
  });

  it('keeps bytes that are no text', () => {
    const bytes = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).join('');
    for (const text of [
      `HTTP/1.1 200 OK\r\nContent-Length: 256\r\n\r\n${bytes}`,
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n100\r\n${bytes}\r\n0\r\n\r\n`,
    ]) {
      expect(read(text).heard.body).toBe(bytes);
      expect(read(text, { pieces: [...text] }).heard.body).toBe(bytes);
    }
  });

  it('has no body after HEAD, nor with 204, 304 or the length 0', () => {
    const head = 'Content-Length: 5\r\nETag: "7"\r\n\r\n';
    expect(read(`HTTP/1.1 200 OK\r\n${head}`, { method: 'HEAD' }).heard).toMatchObject({ ended: 1, pieces: 0 });
    expect(read(`HTTP/1.1 304 Not Modified\r\n${head}`).heard).toMatchObject({ ended: 1, status: 304 });
    expect(read('HTTP/1.1 204 No Content\r\n\r\n').heard).toMatchObject({ ended: 1, status: 204 });
    expect(read('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n').heard).toMatchObject({ ended: 1, pieces: 0 });
  });

  it('without a length lasts until the connection ends, which then serves for nothing else', () => {
    const { heard, parser } = read('HTTP/1.1 200 OK\r\n\r\nhel', { ends: true });
    expect(heard).toMatchObject({ body: 'hel', ended: 1 });
    expect(parser.isReusable).toBe(false);
  });

  it('loses what speaks of the connection, and what Connection names', () => {
    const { heard, parser } = read(
      'HTTP/1.1 200 OK\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=72\r\nUpgrade: h2c\r\nTrailer: X\r\nX-End: 2\r\nContent-Length: 0\r\n\r\n',
    );
    expect(heard.headers).toEqual(['X-End', '2', 'Content-Length', '0']);
    expect(heard.closes).toBe(true);
    expect([parser.isReusable, parser.keepsForMs]).toEqual([false, 72_000]);
  });

  it('may hold a header several times', () => {
    const { heard } = read('HTTP/1.1 200 OK\r\nSet-Cookie: a\r\nset-cookie: b\r\nContent-Length: 0\r\n\r\n');
    expect(heard.headers.slice(0, 4)).toEqual(['Set-Cookie', 'a', 'set-cookie', 'b']);
  });

  it.each([
    ['no HTTP', 'SSH-2.0-OpenSSH\r\n\r\n'],
    ['another version', 'HTTP/2.0 200 OK\r\n\r\n'],
    ['no status', 'HTTP/1.1 OK\r\n\r\n'],
    ['a status beyond all', 'HTTP/1.1 999 Odd\r\n\r\n'],
    ['a change of protocol', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx'],
    ['a length and chunks', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['a length that is none', 'HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\nx'],
    ['a list of lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\nx'],
    ['an unknown encoding', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n'],
    ['two encodings', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['chunks in HTTP/1.0', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['a folded header', 'HTTP/1.1 200 OK\r\nX-A: 1\r\n 2\r\n\r\n'],
    ['a space before the colon', 'HTTP/1.1 200 OK\r\nX-A : 1\r\n\r\n'],
    ['a header without a name', 'HTTP/1.1 200 OK\r\n: 1\r\n\r\n'],
    ['a header without a colon', 'HTTP/1.1 200 OK\r\nnothing\r\n\r\n'],
    ['a line that ends without CR', 'HTTP/1.1 200 OK\r\nX-A: 1\nX-B: 2\r\n\r\n'],
    ['a CR of its own', 'HTTP/1.1 200 OK\r\nX-A: 1\rX-B: 2\r\n\r\n'],
    ['a NUL', 'HTTP/1.1 200 OK\r\nX-A: \0\r\n\r\n'],
    ['a chunk without a size', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\nhello'],
    ['a negative chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n'],
    ['a chunk of more than four gigabytes', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n100000000\r\n'],
    ['a chunk that goes on', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab'],
    ['a size that ends without CR', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;a\n'],
    ['endless headers', `HTTP/1.1 200 OK\r\n${'X-A: 1\r\n'.repeat(10_000)}`],
    ['more than was asked for', `${short}HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n`],
    ['its end too early', short.slice(0, -1), true],
    ['its end among its chunks', chunked.slice(0, -2), true],
  ])('with %s is refused', (_, text, ends = false) => {
    const pieces = text.match(/[\s\S]{1,60000}/g) ?? [];
    expect(() => read(text, { pieces, ends })).toThrow(BadAnswer);
    if (text.length < 1_000) expect(() => read(text, { pieces: [...text], ends })).toThrow(BadAnswer);
  });

  it('is refused where nobody asked', () => {
    expect(() => new AnswerParser().feed(Buffer.from(short), short.length)).toThrow(BadAnswer);
  });
});
