import { connect, type Socket } from 'node:net';
import { once } from 'node:events';

const GOES_ON_EVERY_MS = 100;

/** A connection on which anything can be said, HTTP or not. Whose other side has ended it goes on talking all the same. */
export class RawClient {
  private heard = '';
  private readonly ended: Promise<unknown>;

  private constructor(private readonly socket: Socket) {
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => (this.heard += text));
    // Being cut off is one of the ways in which a connection may end here.
    socket.on('error', () => undefined);
    this.ended = new Promise((resolve) => socket.once('end', resolve).once('close', resolve));
    socket.once('end', () => {
      const goingOn = setInterval(() => socket.write('x'), GOES_ON_EVERY_MS);
      socket.once('close', () => clearInterval(goingOn));
    });
  }

  static async to(baseUrl: string): Promise<RawClient> {
    const { hostname, port } = new URL(baseUrl);
    const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true });
    await once(socket, 'connect');
    return new RawClient(socket);
  }

  says(text: string): void {
    this.socket.write(text);
  }

  /** Reads nothing any more. */
  stopsListening(): void {
    this.socket.pause();
  }

  get isOpen(): boolean {
    return !this.socket.closed;
  }

  /** What was heard so far. */
  get answer(): string {
    return this.heard;
  }

  /** Everything that was heard, once the other side has ended the connection. */
  async everything(): Promise<string> {
    await this.ended;
    return this.heard;
  }

  hangsUp(): void {
    this.socket.destroy();
  }
}
