import type { IncomingMessage, ServerResponse } from 'node:http';
import { BlockList, isIPv6, type Socket } from 'node:net';
import { Problem } from '@banyan/problem';
import type { Logger } from 'pino';
import { Exchange } from './exchange';
import type { Instance } from './instance';
import type { Measurements } from './measurements';
import { answerProblem } from './problem-answer';
import { peerAt, requestHeaders, type Peer } from './request-headers';
import { targetOf } from './request-target';
import { routeFor, type RoutingTable } from './routing-table';

/** Requests on one connection, and who is at the other end of it. */
interface Connection extends Peer {
  readonly exchanges: Set<Exchange>;
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** What the gateway itself answers, by path; asked with GET and HEAD only. */
export interface OwnPaths {
  has(path: string): boolean;
  readonly handle: Handler;
}

/** Leads every request to the module that its path belongs to, or answers it where it belongs to none. */
export class Proxy {
  draining = false;
  /** Requests that are being answered by apps. */
  underWay = 0;
  private readonly connections = new WeakMap<Socket, Connection>();
  private readonly trusted = new BlockList();

  constructor(
    private readonly table: () => RoutingTable<Instance>,
    private readonly own: OwnPaths,
    private readonly measurements: Measurements,
    private readonly logger: Logger,
    trustedProxies: readonly string[],
  ) {
    for (const network of trustedProxies) {
      const [address = '', bits] = network.split('/');
      const family = isIPv6(address) ? 'ipv6' : 'ipv4';
      if (bits === undefined) this.trusted.addAddress(address, family);
      else this.trusted.addSubnet(address, Number(bits), family);
    }
  }

  handle(request: IncomingMessage, response: ServerResponse, waitsForContinue = false): void {
    const connection = this.connectionOf(request.socket);
    const headers = requestHeaders(request.rawHeaders, connection);
    const { forward, path } = targetOf(request.url ?? '/');
    const refuse = (problem: Problem, close = this.draining) => {
      request.resume();
      answerProblem(response, problem, { url: request.url ?? '/', correlationId: headers.correlationId, close });
    };
    if (headers.host === undefined && request.httpVersion === '1.1') {
      return refuse(new Problem('malformed-request', 'The request names no host.'), true);
    }
    if (headers.namesSeveralHosts) {
      return refuse(new Problem('malformed-request', 'The request names more than one host.'), true);
    }
    if (path === null) return refuse(new Problem('malformed-request', 'The path is malformed.'));

    const table = this.table();
    const route = routeFor(table, path);
    if (route) {
      const exchange = new Exchange(request, response, route, headers, forward, this);
      connection.exchanges.add(exchange);
      this.underWay += 1;
      exchange.begin(waitsForContinue);
      return;
    }
    if (this.own.has(path)) {
      if (request.method === 'GET' || request.method === 'HEAD') {
        response.setHeader('x-correlation-id', headers.correlationId);
        if (this.draining) response.setHeader('connection', 'close');
        return this.own.handle(request, response);
      }
      const allow = 'GET, HEAD';
      return refuse(new Problem('method-not-allowed', `This path takes ${allow}.`, { headers: { allow } }));
    }
    if (table.unknown.length > 0) {
      // It may be there all the same: an app that has not been reached has not said which paths are its own.
      const detail = 'The service is not available at the moment; try again shortly.';
      return refuse(new Problem('unavailable', detail, { headers: { 'retry-after': '1' } }));
    }
    refuse(new Problem('route-not-found', 'There is nothing at this path.'));
  }

  /** A connection on which nothing has moved for long: it goes, unless it is an app that keeps it waiting. */
  silent(socket: Socket): void {
    const waiting = [...(this.connections.get(socket)?.exchanges ?? [])].some((exchange) => exchange.isWaiting);
    if (!waiting) socket.destroy();
  }

  /** Whether words of our own may be put on the connection; its requests are not answered any more then. */
  interrupts(socket: Socket): boolean {
    const exchanges = [...(this.connections.get(socket)?.exchanges ?? [])];
    if (exchanges.some((exchange) => exchange.isAnswering)) return false;
    for (const exchange of exchanges) exchange.giveUp();
    return true;
  }

  ended(exchange: Exchange): void {
    this.underWay -= 1;
    this.connections.get(exchange.request.socket)?.exchanges.delete(exchange);
    this.measurements.ended(exchange);
  }

  failed({ request, route, headers, retries }: Exchange, instance: Instance | undefined, error: Error): void {
    const { correlationId } = headers;
    const { code } = error as NodeJS.ErrnoException;
    this.logger.warn({
      msg: `${request.method} of ${route.module} failed at ${instance?.app} (${instance?.address}): ${error.message}`,
      module: route.module,
      correlationId,
      code,
      retries,
    });
  }

  private connectionOf(socket: Socket): Connection {
    const known = this.connections.get(socket);
    if (known) return known;
    const address = (socket.remoteAddress ?? 'unknown').replace(/^::ffff:(?=[\d.]+$)/, '');
    const trusted = address !== 'unknown' && this.trusted.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
    const connection = { ...peerAt(address, trusted), exchanges: new Set<Exchange>() };
    this.connections.set(socket, connection);
    return connection;
  }
}
