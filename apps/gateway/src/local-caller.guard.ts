import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Problem } from '@banyan/problem';
import type { FastifyRequest } from 'fastify';

const LOCAL = new Set(['127.0.0.1', 'localhost', '[::1]']);

/**
 * Lets in who calls this machine by a name of its own. The port is the loopback's alone, but a web page in a browser on this
 * machine can reach it, too, under whatever name its owner has pointed here.
 */
@Injectable()
export class LocalCaller implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { host = '' } = context.switchToHttp().getRequest<FastifyRequest>().headers;
    if (LOCAL.has(host.replace(/:\d+$/, ''))) return true;
    throw new Problem('forbidden', 'Operators call this machine by its own name.');
  }
}
