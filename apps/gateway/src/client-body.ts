import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';

/** The body turned out larger than its route takes, which a body in chunks does not say beforehand. */
export class BodyTooLarge extends Error {}

/**
 * A request's body on its way to an app, read from the client no faster than the app takes it. A stream of its own, since
 * whoever sends it destroys it when something goes wrong, and the client is still to be answered then: what is left of the
 * body is read and forgotten.
 */
export class ClientBody extends Readable {
  private began = false;
  private bytes = 0;

  constructor(
    private readonly request: IncomingMessage,
    private readonly limitBytes: number,
    private readonly begin: () => void,
  ) {
    super();
  }

  override _read(): void {
    if (this.began) {
      this.request.resume();
      return;
    }
    this.began = true;
    this.request.on('data', (chunk: Buffer) => this.receive(chunk));
    this.request.on('end', () => this.push(null));
    this.begin();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.request.resume();
    callback(error);
  }

  private receive(chunk: Buffer): void {
    if (this.destroyed) return;
    this.bytes += chunk.length;
    if (this.bytes > this.limitBytes) this.destroy(new BodyTooLarge());
    else if (!this.push(chunk)) this.request.pause();
  }
}

/** The whole body of a request that announced how short it is. Never comes where the client goes away first. */
export function wholeBody(request: IncomingMessage, length: number, take: (body: Buffer) => void): void {
  let first: Buffer | undefined;
  let more: Buffer[] | undefined;
  request.on('data', (chunk: Buffer) => {
    if (!first) first = chunk;
    else (more ??= [first]).push(chunk);
  });
  request.on('end', () => take(more ? Buffer.concat(more, length) : (first ?? Buffer.alloc(0))));
}
