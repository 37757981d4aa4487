import { Body, Controller, Get, Inject, Param, Patch, Put, Req, UseGuards } from '@nestjs/common';
import { modulesOf, routeOf, TopologyInvalid, upstreamsOf } from '@banyan/topology';
import { Problem, validationFailed } from '@banyan/problem';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { LocalCaller } from './local-caller.guard';
import { Routing } from './routing';

const weights = z.record(z.string(), z.int().min(0).max(100));

/** What is in force, and how to change it; for operators on this machine, never for the world. */
@Controller()
@UseGuards(LocalCaller)
export class RoutesController {
  constructor(@Inject(Routing) private readonly routing: Routing) {}

  /** The topology in force, whence and since when; and the last one that was refused, if it came later. */
  @Get('routes')
  tell() {
    const { topology, origin, refused, table } = this.routing;
    return {
      from: origin?.from ?? null,
      since: origin?.at ?? null,
      refused: refused ?? null,
      routes: topology
        ? modulesOf(topology).map((module) => ({
            module,
            prefixes: table.routes.find((route) => route.module === module)?.prefixes ?? [],
            ...routeOf(topology, module),
            upstreams: Object.fromEntries(upstreamsOf(topology, module).map(({ app, weight }) => [app, weight])),
          }))
        : [],
      instances: this.routing.all().map(({ app, address, state, reason, hosting }) => ({
        app,
        address,
        state,
        reason: reason || null,
        version: hosting?.version ?? null,
      })),
      topology: topology ?? null,
    };
  }

  /** Takes a whole topology, as JSON or YAML; the file is not changed, and rules again once it is written anew. */
  @Put('routes')
  async take(@Body() text: string, @Req() request: FastifyRequest) {
    await this.refusing(() => this.routing.take(text, originOf(request)));
    return this.tell();
  }

  /** Takes other weights for one module: app by app, from 0 to 100. Who is not named gets nothing. */
  @Patch('modules/:module/upstreams')
  async reweigh(@Param('module') module: string, @Body() text: string, @Req() request: FastifyRequest) {
    const read = weights.safeParse(jsonIn(text));
    if (!read.success) {
      throw validationFailed(read.error.issues.map(({ path, message }) => ({ path: path.join('.'), message })));
    }
    await this.refusing(() => this.routing.reweigh(module, read.data, originOf(request)));
    return this.tell();
  }

  private async refusing(take: () => Promise<unknown>): Promise<void> {
    try {
      await take();
    } catch (error) {
      if (!(error instanceof TopologyInvalid)) throw error;
      throw validationFailed([{ path: '', message: error.message }]);
    }
  }
}

const originOf = ({ method, url }: FastifyRequest) => `${method} ${url}`;

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Problem('malformed-json', 'The body is not valid JSON.');
  }
}
