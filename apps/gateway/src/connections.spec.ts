import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { bodyOf } from '../test/fake-app';
import { rawServer } from '../test/raw';
import { AnswerLate, Connections, NotConnected, type Asked, type Asker, type Question } from './connections';
import { BadAnswer } from './answer-parser';

const head = (method: string) => `${method} / HTTP/1.1\r\nhost: x\r\n`;
const question = (method = 'GET', more: Partial<Question> = {}): Question => ({
  method,
  head: head(method),
  body: null,
  timeoutMs: 5_000,
  ...more,
});

/** Asks, and waits for what becomes of it. */
class Asking implements Asker {
  sent = false;
  status = 0;
  body = '';
  readonly ended: Promise<Asking>;
  readonly asked: Asked;
  private settle!: { resolve: (value: Asking) => void; reject: (error: Error) => void };

  constructor(connections: Connections, what = question()) {
    this.ended = new Promise((resolve, reject) => (this.settle = { resolve, reject }));
    this.ended.catch(() => undefined);
    this.asked = connections.ask(what, this);
  }

  onSent(): void {
    this.sent = true;
  }

  onHead(status: number): void {
    this.status = status;
  }

  onHeadAlone(): void {}

  onData(chunk: Buffer | string): void {
    this.body += chunk.toString();
  }

  onEnd(): void {
    this.settle.resolve(this);
  }

  onFailure(error: Error): void {
    this.settle.reject(error);
  }
}

describe('connections to an instance', () => {
  const ends: (() => unknown)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  /** A server, and who is connected to it. */
  async function setup(
    handle: (request: IncomingMessage, response: ServerResponse) => void = (_, response) => void response.end('hello'),
    most = 10,
  ) {
    const server: Server = createServer({ keepAliveTimeout: 72_000 }, handle);
    let opened = 0;
    server.on('connection', () => (opened += 1));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const connections = new Connections(`127.0.0.1:${(server.address() as AddressInfo).port}`, most);
    ends.push(
      () => new Promise((resolve) => server.close(resolve)),
      () => server.closeAllConnections(),
      () => connections.destroy(),
    );
    return { server, connections, opened: () => opened };
  }

  it('are kept, and used again', async () => {
    const { connections, opened } = await setup();
    for (let turn = 0; turn < 5; turn++) {
      expect(await new Asking(connections).ended).toMatchObject({ status: 200, body: 'hello', sent: true });
    }
    expect(opened()).toBe(1);
  });

  it('are made as they are needed, up to a number; the rest waits for its turn', async () => {
    const { connections, opened } = await setup(undefined, 3);
    const all = Array.from({ length: 20 }, () => new Asking(connections).ended);
    expect((await Promise.all(all)).map(({ body }) => body)).toEqual(Array(20).fill('hello'));
    expect(opened()).toBe(3);
  });

  it('carry what may not be repeated only where they were in use a moment ago', async () => {
    const { connections, opened } = await setup();
    await new Asking(connections).ended;
    await new Asking(connections, question('POST', { body: Buffer.from('1') })).ended;
    expect(opened()).toBe(1);
    const now = performance.now.bind(performance);
    let ahead = 250;
    jest.spyOn(performance, 'now').mockImplementation(() => now() + ahead);
    ends.push(() => jest.restoreAllMocks());
    await new Asking(connections).ended;
    expect(opened()).toBe(1);
    ahead += 250;
    await new Asking(connections, question('POST', { body: Buffer.from('1') })).ended;
    expect(opened()).toBe(2);
  });

  it('are not used again where the app closes them', async () => {
    const { connections, opened } = await setup(
      (_, response) => void response.setHeader('connection', 'close').end('x'),
    );
    for (let turn = 0; turn < 3; turn++) expect((await new Asking(connections).ended).body).toBe('x');
    expect(opened()).toBe(3);
  });

  it('say that nothing was sent where nobody listens', async () => {
    const { server, connections } = await setup();
    server.close();
    const asking = new Asking(connections);
    await expect(asking.ended).rejects.toThrow(NotConnected);
    expect(asking.sent).toBe(false);
  });

  it('give up an app that does not answer', async () => {
    const { connections } = await setup(() => undefined);
    await expect(new Asking(connections, question('GET', { timeoutMs: 150 })).ended).rejects.toThrow(AnswerLate);
  });

  it('let nobody wait longer for a free one than for an answer', async () => {
    const { connections } = await setup(() => undefined, 1);
    const first = new Asking(connections, question('GET', { timeoutMs: 60_000 }));
    await expect(new Asking(connections, question('GET', { timeoutMs: 150 })).ended).rejects.toThrow(/in use/);
    first.asked.abandon();
  });

  it('send bodies of every kind', async () => {
    const { connections } = await setup((request, response) => {
      void bodyOf(request).then((body) => {
        response.end(`${request.headers['content-length'] ?? request.headers['transfer-encoding']} ${body.length}`);
      });
    });
    const stream = () => {
      const through = new PassThrough();
      through.write('a'.repeat(70_000));
      setImmediate(() => through.end('b'.repeat(30_000)));
      return through;
    };
    const bodies: [Question['body'], string][] = [
      [Buffer.from('é'), '2 2'],
      [Buffer.alloc(50_000), '50000 50000'],
      [{ stream: stream(), length: 100_000 }, '100000 100000'],
      [{ stream: stream(), length: undefined }, 'chunked 100000'],
    ];
    for (const [body, expected] of bodies) {
      expect((await new Asking(connections, question('POST', { body })).ended).body).toBe(expected);
    }
  });

  it('take an answer that comes before the request has ended, and are not used again', async () => {
    const { connections, opened } = await setup((_, response) => void response.writeHead(413).end('no'));
    const body = { stream: new PassThrough(), length: 1_000_000 };
    body.stream.write('x');
    expect(await new Asking(connections, question('POST', { body })).ended).toMatchObject({ status: 413, body: 'no' });
    expect((await new Asking(connections, question('POST', { body: { announced: 2 ** 50 } })).ended).status).toBe(413);
    await new Asking(connections).ended;
    expect(opened()).toBe(3);
  });

  it('hold back an answer that nobody takes', async () => {
    const size = 64 << 20;
    let written = 0;
    const { connections } = await setup((_, response) => {
      response.writeHead(200, { 'content-length': size });
      const go = () => {
        while (written < size) {
          written += 65_536;
          if (!response.write(Buffer.alloc(65_536))) return void response.once('drain', go);
        }
        response.end();
      };
      go();
    });
    const asking = new Asking(connections);
    let heard = 0;
    asking.onData = (chunk) => {
      heard += chunk.length;
      asking.asked.pause();
    };
    while (heard === 0) await pause(5);
    let before = -1;
    while (before !== written) {
      before = written;
      await pause(100);
    }
    expect(written).toBeLessThan(size / 2);
    asking.onData = (chunk) => (heard += chunk.length);
    asking.asked.resume();
    await asking.ended;
    expect(heard).toBe(size);
  });

  it('end a question that is given up', async () => {
    let gone = false;
    const { connections } = await setup((request) => void request.socket.on('close', () => (gone = true)));
    const asking = new Asking(connections);
    while (!asking.sent) await pause(5);
    asking.asked.abandon();
    while (!gone) await pause(5);
  });

  it('close when they are told to, those in use after their answer', async () => {
    let answer = () => {};
    const { connections } = await setup((_, response) => void (answer = () => void response.end('late')));
    const asking = new Asking(connections);
    while (!asking.sent) await pause(5);
    const closed = connections.close();
    await pause(20);
    answer();
    expect((await asking.ended).body).toBe('late');
    await closed;
  });

  it.each([
    ['breaks off', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhal'],
    ['says nothing', ''],
    ['speaks another language', '+OK ready\r\n\r\n'],
  ])('fail where the app %s', async (_, says) => {
    const server = await rawServer((socket) => socket.once('data', () => socket.end(says)));
    const connections = new Connections(server.address, 10);
    ends.push(server.stop, () => connections.destroy());
    const asking = new Asking(connections);
    await expect(asking.ended).rejects.toThrow(BadAnswer);
    expect(asking.sent).toBe(true);
  });

  it('are not used again where the app says more than it was asked', async () => {
    const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
    const server = await rawServer((socket) => socket.on('data', () => socket.write(answer + answer)));
    const connections = new Connections(server.address, 10);
    ends.push(server.stop, () => connections.destroy());
    for (let turn = 0; turn < 3; turn++) expect((await new Asking(connections).ended).body).toBe('ok');
    expect(server.connections()).toBe(3);
  });
});
