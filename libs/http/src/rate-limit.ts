import type { DynamicModule, Provider } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { ThrottlerGuard, ThrottlerModule } from '@nestjs/throttler';
import type { Settings } from '@banyan/config';

/** Limits the requests of a client (by address) per minute, all routes together; nothing where no limit is configured. */
export function rateLimit({ limits }: Pick<Settings, 'limits'>): { imports: DynamicModule[]; providers: Provider[] } {
  const limit = limits.requestsPerMinute;
  if (limit === null) return { imports: [], providers: [] };
  const throttler = ThrottlerModule.forRoot({
    throttlers: [{ ttl: 60_000, limit }],
    generateKey: (_context, tracker) => tracker,
  });
  return { imports: [throttler], providers: [{ provide: APP_GUARD, useClass: ThrottlerGuard }] };
}
