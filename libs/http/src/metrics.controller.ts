import { Controller, Get, Header } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { SkipThrottle } from '@nestjs/throttler';
import { metrics } from '@banyan/telemetry';
import { Access } from './route';

/** The process's metrics, as Prometheus reads them. */
@ApiExcludeController()
@SkipThrottle()
@Controller('metrics')
export class MetricsController {
  @Get()
  @Access('anyone')
  @Header('Content-Type', metrics.contentType)
  tell() {
    return metrics.metrics();
  }
}
