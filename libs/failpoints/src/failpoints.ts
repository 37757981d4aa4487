import type { ArmedFailpoint, Settings } from '@banyan/config';

/** Thrown by a failpoint that was armed with `throw`. */
export class FailpointThrew extends Error {
  override readonly name = 'FailpointThrew';
  constructor(readonly failpoint: string) {
    super(`The failpoint ${failpoint} was armed to throw.`);
  }
}

interface Armed {
  readonly order: ArmedFailpoint;
  passes: number;
  fired: number;
}

let armed: Map<string, Armed> | undefined;

/**
 * A named place where a test may kill, hang, delay or fail the process: `await failpoint('transaction.after-commit')`.
 * Unarmed it is one comparison and answers undefined, so a hot path may skip the await.
 */
export function failpoint(name: string): Promise<void> | undefined {
  if (armed === undefined) return undefined;
  const point = armed.get(name);
  if (point === undefined) return undefined;
  point.passes += 1;
  if (point.order.hit !== null && point.order.hit !== point.passes) return undefined;
  point.fired += 1;
  return fire(point.order);
}

/** Arms what FAILPOINTS asks for. In production it throws if there is anything to arm. */
export function armFailpoints(settings: Pick<Settings, 'environment' | 'failpoints'>): void {
  for (const order of settings.failpoints) arm(order, settings.environment);
}

/** Arms one failpoint, for a test in the same process; arming it again starts its count anew. Throws in production. */
export function arm(order: ArmedFailpoint, environment: Settings['environment']): void {
  if (environment === 'production') throw new Error(`The failpoint ${order.name} cannot be armed in production.`);
  armed ??= new Map();
  armed.set(order.name, { order, passes: 0, fired: 0 });
}

/** Disarms all failpoints. What already hangs stays hanging. */
export function disarmFailpoints(): void {
  armed = undefined;
}

/** How often an armed failpoint fired; 0 for one that is not armed. A fault that never fired proves nothing. */
export function timesFired(name: string): number {
  return armed?.get(name)?.fired ?? 0;
}

async function fire(order: ArmedFailpoint): Promise<void> {
  switch (order.act) {
    case 'kill':
      // SIGKILL and not exit(): nothing may run after it, no handler and no flush.
      process.kill(process.pid, 'SIGKILL');
      return new Promise(() => {});
    case 'hang':
      return new Promise(() => {});
    case 'throw':
      throw new FailpointThrew(order.name);
    case 'delay':
      return new Promise((resolve) => setTimeout(resolve, order.delayMs));
    default:
      return order satisfies never;
  }
}
