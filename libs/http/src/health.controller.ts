import { Controller, Get, Header, ServiceUnavailableException } from '@nestjs/common';
import {
  HealthCheckService,
  HealthIndicatorService,
  type HealthCheckResult,
  type HealthIndicatorResult,
} from '@nestjs/terminus';
import { Problem } from '@banyan/problem';
import { HealthIndicators, type Health } from '@banyan/telemetry';
import { ApiExcludeController } from '@nestjs/swagger';
import { SkipThrottle } from '@nestjs/throttler';
import { Access } from './route';

const PATIENCE_MS = 2_000;

/** Whether this process lives, and whether it can serve. */
@ApiExcludeController()
@SkipThrottle()
@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly results: HealthIndicatorService,
    private readonly indicators: HealthIndicators,
  ) {}

  @Get('live')
  @Access('anyone')
  live() {
    return { status: 'ok' };
  }

  /** 200 while able to serve, degraded or not; 503 when something needed is down. */
  @Get('ready')
  @Access('anyone')
  @Header('Cache-Control', 'no-store')
  async ready() {
    try {
      return await this.health.check(
        [...this.indicators.all()].map(
          ([name, check]) =>
            () =>
              this.result(name, check),
        ),
      );
    } catch (error) {
      if (!(error instanceof ServiceUnavailableException)) throw error;
      const { error: failed } = error.getResponse() as HealthCheckResult;
      throw new Problem('unavailable', 'Something that is needed to serve is down.', {
        headers: { 'Retry-After': '1' },
        errors: Object.keys(failed ?? {}).map((path) => ({ path, message: 'Is down.' })),
      });
    }
  }

  private async result(name: string, check: () => Promise<Health> | Health): Promise<HealthIndicatorResult> {
    const indicator = this.results.check(name);
    const timeout = AbortSignal.timeout(PATIENCE_MS);
    const late = new Promise<never>((_, reject) => {
      timeout.addEventListener('abort', () => reject(new Error('no answer in time')));
    });
    try {
      const { status, ...details } = await Promise.race([Promise.resolve().then(check), late]);
      if (status === 'down') return indicator.down(details);
      return status === 'degraded' ? indicator.degraded(details) : indicator.up(details);
    } catch {
      return indicator.down();
    }
  }
}
