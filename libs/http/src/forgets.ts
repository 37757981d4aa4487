import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { SETTINGS, type Settings } from '@banyan/config';
import { Database } from '@banyan/persistence';

const EVERY_MS = 3_600_000;

/** Forgets, once an hour, what a module no longer needs to remember: old idempotency keys, expired keys, old erasures. */
@Injectable()
export class Forgets implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('http');
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly database: Database,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => void this.forget(), EVERY_MS).unref();
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }

  async forget(): Promise<void> {
    try {
      await this.database.query('delete from idempotency_key where created_at < now() - make_interval(hours => $1)', [
        this.settings.idempotency.keepHours,
      ]);
      await this.database.query(`delete from verification_key where expires_at < now() - interval '1 day'`);
      // Tokens live ten minutes; a day covers every clock that may be wrong.
      await this.database.query(`delete from erased_user where recorded_at < now() - interval '1 day'`);
    } catch (error) {
      this.logger.warn({ err: error, msg: 'What is out of date could not be forgotten; trying again in an hour.' });
    }
  }
}
