import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Exchange } from './exchange';
import type { Instance } from './instance';

/** What the gateway counts, as /metrics tells it. */
export class Measurements {
  private readonly duration: Histogram<'method' | 'module' | 'status'>;
  private readonly retried: Counter<'module'>;
  private readonly gone: Counter<'module'>;

  constructor(registry: Registry, instances: () => readonly Instance[]) {
    const registers = [registry];
    this.duration = new Histogram({
      name: 'gateway_request_duration_seconds',
      help: 'From the arrival of the headers to the last byte of the answer.',
      labelNames: ['method', 'module', 'status'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    });
    this.retried = new Counter({
      name: 'gateway_retries_total',
      help: 'Requests that were sent once more, to another instance or on another connection.',
      labelNames: ['module'],
      registers,
    });
    this.gone = new Counter({
      name: 'gateway_clients_gone_total',
      help: 'Requests that ended before their answer did: the client left, or the app broke off.',
      labelNames: ['module'],
      registers,
    });
    new Gauge({
      name: 'gateway_instance_ready',
      help: 'Whether an instance is sent requests.',
      labelNames: ['app', 'address'],
      registers,
      collect() {
        this.reset();
        for (const { app, address, state } of instances()) this.set({ app, address }, state === 'ready' ? 1 : 0);
      },
    });
  }

  ended({ request, response, route: { module }, retries, beganAt }: Exchange): void {
    if (retries > 0) this.retried.inc({ module }, retries);
    if (!response.writableFinished) {
      this.gone.inc({ module });
      return;
    }
    const method = request.method ?? '';
    this.duration.observe({ method, module, status: response.statusCode }, (performance.now() - beganAt) / 1_000);
  }
}
