import { Injectable } from '@nestjs/common';

/** `degraded`: still able to serve, but something is away (a broker, say). `down`: not able to serve. */
export type Health = { status: 'up' | 'degraded' | 'down' } & Record<string, unknown>;

/** What `GET /health/ready` asks. Whoever depends on something outside adds how to find out about it. */
@Injectable()
export class HealthIndicators {
  private readonly checks = new Map<string, () => Promise<Health> | Health>();

  /** Adds a check under a name such as `database:orders`. One that throws or takes over two seconds counts as down. */
  add(name: string, check: () => Promise<Health> | Health): void {
    this.checks.set(name, check);
  }

  all(): ReadonlyMap<string, () => Promise<Health> | Health> {
    return this.checks;
  }
}
