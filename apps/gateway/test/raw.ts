import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A connection on which anything can be said, HTTP or not. */
export class Raw {
  heard = '';
  private readonly ended: Promise<unknown>;

  private constructor(private readonly socket: Socket) {
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => (this.heard += text));
    // Being cut off is one of the ways in which a connection may end here.
    socket.on('error', () => undefined);
    this.ended = new Promise((resolve) => socket.once('close', resolve));
  }

  static async to(port: number): Promise<Raw> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new Raw(socket);
  }

  says(text: string): void {
    this.socket.write(text, 'latin1');
  }

  get isOpen(): boolean {
    return !this.socket.closed;
  }

  /** What has left this side so far. */
  get bytesSent(): number {
    return this.socket.bytesWritten - this.socket.writableLength;
  }

  stopsListening(): void {
    this.socket.pause();
  }

  listens(): void {
    this.socket.resume();
  }

  /** Everything that was heard, once the other side has closed. */
  async everything(): Promise<string> {
    await this.ended;
    return this.heard;
  }

  hangsUp(): void {
    this.socket.destroy();
  }
}

/** A server that says to whoever connects what it is told, whatever it is asked. */
export async function rawServer(onConnection: (socket: Socket) => void) {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    onConnection(socket);
  });
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections: () => sockets.size,
    stop: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}
