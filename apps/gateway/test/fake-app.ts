import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** An app behind the gateway: says what it hosts and how it is, and answers everything else as it is told. */
export class FakeApp {
  /** Every request but the gateway's own questions. */
  readonly asked: { method: string; url: string; headers: IncomingMessage['headers']; rawHeaders: string[] }[] = [];
  version = '1';
  isReady = true;
  /** Documents by path. */
  documents: Record<string, object> = {};
  answer: Answer = (_request, response) => void response.end(`from ${this.name}`);
  private server: Server | undefined;
  private port = 0;

  constructor(
    readonly name: string,
    readonly modules: Record<string, string[]>,
  ) {}

  static async start(name: string, modules: string[] = [name]): Promise<FakeApp> {
    const paths = modules.map((module): [string, string[]] => [module, [`/api/v1/${module}`]]);
    const app = new FakeApp(name, Object.fromEntries(paths));
    await app.start();
    return app;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Opens it, at the address that it had before. */
  async start(): Promise<void> {
    this.server = createServer({ keepAliveTimeout: 72_000 }, (request, response) => this.hear(request, response));
    this.server.maxHeadersCount = 0;
    this.server.listen(this.port, '127.0.0.1');
    await once(this.server, 'listening');
    this.port = (this.server.address() as AddressInfo).port;
  }

  /** Ends all at once, as a process that is killed. */
  async kill(): Promise<void> {
    const { server } = this;
    if (!server?.listening) return;
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  }

  private hear(request: IncomingMessage, response: ServerResponse): void {
    const { url = '', method = '', headers, rawHeaders } = request;
    if (url === '/internal/modules') {
      const modules = Object.entries(this.modules).map(([module, prefixes]) => ({ module, prefixes }));
      response.end(JSON.stringify({ app: this.name, version: this.version, modules }));
    } else if (url === '/health/ready') {
      response.writeHead(this.isReady ? 200 : 503).end();
    } else if (this.documents[url]) {
      response.end(JSON.stringify(this.documents[url]));
    } else {
      this.asked.push({ method, url, headers, rawHeaders });
      this.answer(request, response);
    }
  }
}

/** The whole body of a request. */
export async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  return Buffer.concat((await request.toArray()) as Buffer[]);
}
