import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { RunningShop } from './shop';

/** One address for several processes of a shop: each connection goes to the next of them, or past it where nobody listens. */
export class OneAddress {
  /** How often something was asked here. */
  asked = 0;
  private turn = 0;
  private readonly open = new Set<Socket>();

  private constructor(
    private readonly shops: readonly RunningShop[],
    private readonly server: Server,
  ) {
    server.on('connection', (client: Socket) => this.welcome(client));
  }

  static async of(shops: readonly RunningShop[]): Promise<OneAddress> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new OneAddress(shops, server);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    for (const socket of this.open) socket.destroy();
    await closed;
  }

  private welcome(client: Socket): void {
    this.remember(client);
    this.lead(client, this.shops.length);
  }

  private lead(client: Socket, doorsLeft: number): void {
    if (doorsLeft === 0) return void client.destroy();
    const { hostname, port } = new URL(this.shops[this.turn++ % this.shops.length]!.baseUrl);
    const shop = connect({ host: hostname, port: Number(port) });
    this.remember(shop);
    const next = () => this.lead(client, doorsLeft - 1);
    shop.once('error', next);
    shop.once('connect', () => {
      shop.off('error', next);
      // Whichever goes takes the other along, as if there were nothing in between.
      client.once('close', () => shop.destroy());
      shop.once('close', () => client.destroy());
      client.on('data', () => (this.asked += 1));
      client.pipe(shop).pipe(client);
    });
  }

  private remember(socket: Socket): void {
    this.open.add(socket);
    socket.once('close', () => this.open.delete(socket));
    // Told by `close`, which follows.
    socket.on('error', () => undefined);
  }
}
