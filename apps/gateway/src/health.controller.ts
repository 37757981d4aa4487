import { Controller, Get, Header, Inject } from '@nestjs/common';
import { modulesOf, upstreamsOf } from '@banyan/topology';
import { Problem } from '@banyan/problem';
import { Routing } from './routing';

type ModuleHealth = { status: 'up' | 'degraded' } & Record<string, unknown>;

/** Whether this process lives, and whether it can lead anybody anywhere. */
@Controller('health')
export class HealthController {
  private wasReady = false;

  constructor(@Inject(Routing) private readonly routing: Routing) {}

  @Get('live')
  live() {
    return { status: 'ok' };
  }

  /**
   * 503 until every module was reached once. From then on 200, whatever becomes of the modules: one that is down takes
   * nothing from the others, and is told as degraded.
   */
  @Get('ready')
  @Header('Cache-Control', 'no-store')
  ready() {
    const modules = this.modules();
    const never = Object.keys(modules).filter((module) => !this.routing.reached.has(module));
    this.wasReady ||= this.routing.topology !== undefined && never.length === 0;
    if (!this.wasReady) {
      throw new Problem('unavailable', 'Not every module has been reached yet.', {
        headers: { 'Retry-After': '1' },
        errors: never.map((module) => ({ path: `module:${module}`, message: 'Has not been reached yet.' })),
      });
    }
    const details = Object.fromEntries(Object.entries(modules).map(([module, health]) => [`module:${module}`, health]));
    return { status: 'ok', info: details, error: {}, details };
  }

  private modules(): Record<string, ModuleHealth> {
    const { topology } = this.routing;
    if (!topology) return {};
    const instances = this.routing.all();
    return Object.fromEntries(
      modulesOf(topology).map((module): [string, ModuleHealth] => {
        const upstreams = upstreamsOf(topology, module).map(({ app, weight }) => ({
          app,
          weight,
          instances: instances
            .filter((instance) => instance.app === app)
            .map(({ address, state, reason, hosting }) => ({
              address,
              state,
              ...(hosting ? { version: hosting.version } : {}),
              ...(reason === '' ? {} : { reason }),
            })),
        }));
        const serves = upstreams.some(({ instances: some }) => some.some(({ state }) => state === 'ready'));
        return [module, { status: serves ? 'up' : 'degraded', upstreams }];
      }),
    );
  }
}
