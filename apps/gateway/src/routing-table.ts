import { modulesOf, routeOf, upstreamsOf, type Topology } from '@banyan/topology';
import { choose, seedOf, type Weighted } from './choose';

/** What a table needs to know of an instance, which changes while the table does not. */
export interface Reachable {
  readonly state: string;
}

export interface Place<I extends Reachable> extends Weighted {
  readonly instance: I;
}

export interface Upstream<I extends Reachable> extends Weighted {
  readonly app: string;
  readonly places: readonly Place<I>[];
}

/** How the requests of one module are sent on. */
export interface ModuleRoute<I extends Reachable = Reachable> {
  readonly module: string;
  readonly prefixes: readonly string[];
  readonly sticky: 'user' | 'key' | 'none';
  readonly timeoutMs: number;
  readonly bodyLimitBytes: number;
  readonly upstreams: readonly Upstream<I>[];
  /** Whether there is anything to choose; without, nobody need know whose request it is. */
  readonly hasChoice: boolean;
}

/** Which path is whose, at one moment. Never changed: a new one takes its place, between two requests. */
export interface RoutingTable<I extends Reachable = Reachable> {
  readonly routes: readonly ModuleRoute<I>[];
  /** Modules of which no app has told the paths yet. */
  readonly unknown: readonly string[];
}

/** The table of a topology, with the paths that the apps told and the instances behind each app. */
export function routingTable<I extends Reachable>(
  topology: Topology,
  prefixesOf: ReadonlyMap<string, readonly string[]>,
  instancesOf: (app: string, module: string) => readonly { address: string; weight: number; instance: I }[],
): RoutingTable<I> {
  const modules = modulesOf(topology);
  return {
    routes: modules.flatMap((module): ModuleRoute<I>[] => {
      const prefixes = prefixesOf.get(module);
      if (!prefixes) return [];
      const { sticky, timeoutMs, bodyLimitBytes } = routeOf(topology, module);
      const upstreams = upstreamsOf(topology, module).map(({ app, weight }) => ({
        app,
        weight,
        seed: seedOf(app),
        places: instancesOf(app, module)
          .filter((instance) => instance.weight > 0)
          .map(({ address, weight, instance }) => ({ weight, seed: seedOf(address), instance })),
      }));
      const hasChoice = upstreams.length > 1 || upstreams.some(({ places }) => places.length > 1);
      return [{ module, prefixes, sticky, timeoutMs, bodyLimitBytes, upstreams, hasChoice }];
    }),
    unknown: modules.filter((module) => !prefixesOf.has(module)),
  };
}

/** The module that a path belongs to: the one with a prefix that the path is, or lies below. */
export function routeFor<I extends Reachable>(table: RoutingTable<I>, path: string): ModuleRoute<I> | undefined {
  for (const route of table.routes) {
    for (const prefix of route.prefixes) {
      if (!path.startsWith(prefix)) continue;
      if (path.length === prefix.length || path.charCodeAt(prefix.length) === SLASH) return route;
    }
  }
  return undefined;
}

const SLASH = 0x2f;

/**
 * The instance for a request: an upstream by the weights of the topology, then one of its instances by theirs. Who is not
 * ready, or was tried before, is passed over; where an upstream has nobody left, its share goes to the others.
 */
export function instanceFor<I extends Reachable>(
  { upstreams, hasChoice }: ModuleRoute<I>,
  key: string | undefined,
  tried: readonly I[],
): I | undefined {
  if (!hasChoice) {
    const only = upstreams[0]?.places[0]?.instance;
    return only?.state === 'ready' && !tried.includes(only) ? only : undefined;
  }
  const hash = key === undefined ? undefined : seedOf(key);
  const usable = ({ instance }: Place<I>) => instance.state === 'ready' && !tried.includes(instance);
  const able = upstreams.filter(({ places }) => places.some(usable));
  const places = choose(able, hash)?.places.filter(usable) ?? [];
  return (places.length === 1 ? places[0] : choose(places, hash))?.instance;
}
