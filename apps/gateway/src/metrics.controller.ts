import { Controller, Get, Inject, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Registry } from 'prom-client';

/** The gateway's own metrics, as Prometheus reads them. */
@Controller('metrics')
export class MetricsController {
  constructor(@Inject(Registry) private readonly metrics: Registry) {}

  @Get()
  async tell(@Res({ passthrough: true }) reply: FastifyReply) {
    void reply.type(this.metrics.contentType);
    return this.metrics.metrics();
  }
}
